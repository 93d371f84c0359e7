//! How wide words are, near enough to leave room for them in any of the fonts a viewer may choose, and how they are broken into
//! lines. Knows nothing of boxes.

/// The width of a text in px at a size.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

/// The advance of a character in parts of the size, of the widest of the common sans serif fonts.
fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '\'' | '|' | '\u{a0}' => 0.29,
        '.' | ',' | ':' | ';' | '!' => 0.33,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | ' ' => 0.4,
        '-' => 0.38,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '…' => 0.97,
        'A'..='Z' | '=' | '<' | '>' | '+' | '→' | '⇒' | '≤' => 0.8,
        _ => 0.62,
    }
}

/// Words in lines of at most so many characters, as many lines as there may be; what is left over is cut off with a sign.
pub(crate) fn wrapped(text: &str, chars: usize, lines: usize) -> Vec<String> {
    let mut found: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let room = found.last().map_or(0, |line| line.chars().count());
        if room > 0 && room + 1 + word.chars().count() > chars {
            found.push(String::new());
        }
        if let Some(line) = found.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    if found.len() > lines {
        found.truncate(lines);
        if let Some(last) = found.last_mut() {
            last.push_str(" …");
        }
    }
    // A single word may be longer than a line.
    let most = chars + chars / 2;
    found.iter().map(|line| if line.chars().count() > most { cut(line, most) } else { line.clone() }).collect()
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_what_is_too_long_is_cut() {
        assert_eq!(wrapped("lever.press if licks < 3 ⇒ paid", 16, 3), ["lever.press if", "licks < 3 ⇒ paid"]);
        assert_eq!(wrapped("a b c d e f", 4, 2), ["a b", "c d …"]);
        assert_eq!(wrapped("", 8, 2), [""]);
        assert_eq!(wrapped("abcdefghijklmnop", 4, 2), ["abcde…"]);
        assert!(width("mmm", 10.0) > width("iii", 10.0));
    }
}
