//! What is read of a table: `options[choice].size`.

use super::Expr;
use super::check::{Checker, Type, Typed};
use crate::diagnostic::{Span, listed};

impl Checker<'_> {
    /// A cell of a table. Its row is named: by a label, or by a variable whose labels are rows.
    pub(super) fn cell(&mut self, table: (&str, Span), row: &Expr, column: (&str, Span), span: Span) -> Option<Typed> {
        let names = self.names;
        let Some(rows) = names.table(table.0) else {
            if !names.is_broken(table.0) {
                self.reporter.error("E206-unknown-table", table.1, format!("there is no table `{}`", table.0)).near(
                    table.0,
                    names.tables.iter().map(|(name, _)| name.as_str()),
                    |known| {
                        Some(match known {
                            [] => format!("declare it: `tables: {{{}: {{left: {{{}: …}}}}}}`", table.0, column.0),
                            _ => format!("tables are {}", listed(known.iter().copied())),
                        })
                    },
                );
            }
            return None;
        };
        let Some((id, list)) = names.list(&format!("{}.{}", table.0, column.0)) else {
            self.unknown_column(table.0, column);
            return None;
        };
        let row = self.infer(row, Some(Type::Label(rows)))?;
        let known = names.labels(rows);
        let missing = match row.ty {
            Type::Label(set) => {
                let labels = names.labels(set);
                labels.iter().enumerate().find(|(n, label)| known.get(*n) != Some(label)).map(|(_, label)| label)
            }
            other => {
                self.reporter
                    .error(
                        "E202-not-a-row",
                        row.span,
                        format!("a row of `{}` is named, and this is a {}", table.0, other.name()),
                    )
                    .help(format!(
                        "name one of {}, or a variable with `labels: {}`",
                        listed(known.iter().map(String::as_str)),
                        table.0
                    ));
                return None;
            }
        };
        if let Some(label) = missing {
            let message = format!(
                "this may be `{label}`, and the rows of `{}` are {}",
                table.0,
                listed(known.iter().map(String::as_str))
            );
            self.reporter.error("E202-not-a-row", row.span, message).help(format!(
                "declare the variable with `labels: {}`; a row for none of them may be one of the table",
                table.0
            ));
            return None;
        }
        Some(Typed { ir: list.at(id, row.ir), ty: list.ty, span })
    }

    /// A value behind the point of a name.
    pub(super) fn part(&mut self, owner: &str, member: &str, span: Span) -> Option<Typed> {
        let part = self.names.parts(owner).find(|part| part.member == member)?;
        Some(Typed { ir: part.ir.clone(), ty: part.ty, span })
    }

    /// Reports a column that is not there.
    pub(super) fn unknown_column(&mut self, table: &str, column: (&str, Span)) {
        let names = self.names;
        if names.is_broken(&format!("{table}.{}", column.0)) {
            return;
        }
        let columns: Vec<&str> =
            names.lists.iter().filter_map(|list| list.name.strip_prefix(table)?.strip_prefix('.')).collect();
        self.reporter.error("E201-unknown-column", column.1, format!("`{table}` has no column `{}`", column.0)).near(
            column.0,
            columns.iter().copied(),
            |columns| {
                Some(match columns {
                    [] => "give every row of it a value by that name".to_owned(),
                    _ => format!("its columns are {}", listed(columns.iter().copied())),
                })
            },
        );
    }
}
