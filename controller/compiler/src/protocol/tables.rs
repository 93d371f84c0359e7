//! Tables as written: rows with names, each with a value in every column. Trial types and blocks are tables too.

use crate::diagnostic::{Reporter, listed};
use crate::fields::{self, Fields};
use crate::yaml::{Entry, Node, Text, Value};

/// Rows with names, and what stands in each column.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: Text,
    pub(crate) rows: Vec<Text>,
    /// Each column with its values, one a row.
    pub(crate) columns: Vec<(Text, Vec<Text>)>,
}

/// Reads `tables`.
pub(super) fn read(top: &Fields<'_>, reporter: &mut Reporter) -> Vec<Table> {
    let example = "options: {small: {size: 1 µl}, large: {size: 3 µl}}";
    let mut found: Vec<Table> = Vec::new();
    for entry in super::declarations::entries(top, "tables", "`tables`", example, reporter) {
        if fields::check_name(&entry.key, "a table", reporter) {
            found.extend(table(&entry.key, &entry.value, "a table", reporter));
        }
    }
    found
}

/// Reads one table. Every row has the same columns.
pub(super) fn table(name: &Text, node: &Node, what: &'static str, reporter: &mut Reporter) -> Option<Table> {
    let entries = fields::map(node, what, "left: {size: 4 µl}", reporter)?;
    if entries.is_empty() {
        reporter
            .error("E033-empty", name.span, format!("`{}` has no rows", name.text))
            .help("write for instance `left: {size: 4 µl}`");
        return None;
    }
    let mut table = Table { name: name.clone(), rows: Vec::new(), columns: Vec::new() };
    for entry in entries {
        if !fields::check_name(&entry.key, "a row", reporter) {
            return None;
        }
        let cells = cells(&entry.value, reporter)?;
        if table.rows.is_empty() {
            for cell in cells {
                if !fields::check_name(&cell.key, "a column", reporter) {
                    return None;
                }
                table.columns.push((cell.key.clone(), Vec::new()));
            }
        }
        row(&mut table, entry, cells, reporter)?;
        table.rows.push(entry.key.clone());
    }
    Some(table)
}

/// The cells of a row; a row may have none.
fn cells<'n>(node: &'n Node, reporter: &mut Reporter) -> Option<&'n [Entry]> {
    match &node.value {
        Value::Scalar(text) if text.text.is_empty() && !text.quoted => Some(&[]),
        _ => fields::map(node, "a row", "{size: 4 µl}", reporter),
    }
}

fn row(table: &mut Table, entry: &Entry, cells: &[Entry], reporter: &mut Reporter) -> Option<()> {
    for (column, values) in &mut table.columns {
        let Some(cell) = cells.iter().find(|cell| cell.key.text == column.text) else {
            reporter
                .error(
                    "E200-missing-cell",
                    entry.key.span,
                    format!("the row `{}` has no `{}`", entry.key.text, column.text),
                )
                .help(format!("every row has the same columns: add `{}: …`", column.text));
            return None;
        };
        values.push(fields::text(&cell.value, "a value of the table", "4 µl", reporter)?.clone());
    }
    let known = |cell: &&Entry| !table.columns.iter().any(|(column, _)| column.text == cell.key.text);
    if let Some(extra) = cells.iter().find(known) {
        let first = table.rows.first().map_or("", |row| row.text.as_str());
        let columns = table.columns.iter().map(|(column, _)| column.text.as_str());
        reporter
            .error("E200-missing-cell", extra.key.span, format!("the row `{first}` has no `{}`", extra.key.text))
            .near(&extra.key.text, columns, |columns| {
                Some(match columns {
                    [] => "every row has the same columns".to_owned(),
                    _ => format!("every row has the same columns: {}", listed(columns.iter().copied())),
                })
            });
        return None;
    }
    Some(())
}
