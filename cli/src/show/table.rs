//! Readable tables: fitted to the terminal when there is one, one line per row when there is none.

use std::io::IsTerminal;

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};

use super::text;

/// One rule below the headings: lines cost width, and a row is told from the next by its first column.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table with the given headings. Cells must have gone through [`super::text`].
pub(crate) fn render(headings: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(STYLE);
    if std::io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(headings);
    table.add_rows(rows);
    table.lines().map(|line| text::close(line.trim_end())).collect::<Vec<_>>().join("\n")
}

/// Pairs of a name and a value, the values aligned; lines after the first are indented.
pub(crate) fn pairs(pairs: &[(&str, String)]) -> String {
    let shown = pairs.iter().filter(|(_, value)| !value.is_empty());
    let width = shown.clone().map(|(name, _)| name.len()).max().unwrap_or_default();
    let indent = format!("\n{}", " ".repeat(width + 2));
    let line = |(name, value): &(&str, String)| format!("{name:width$}  {}", value.replace('\n', &indent));
    shown.map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_to_left_cells_do_not_shift_the_columns() {
        let rows = vec![
            vec![text::line("مظاهرة عند الجسر"), "x".to_owned()],
            vec![text::line("at the bridge"), "x".to_owned()],
        ];
        let table = render(&["title", "mark"], rows);
        let columns: Vec<usize> =
            table.lines().filter_map(|line| line.rfind('x').map(|at| comfy_width(&line[..at]))).collect();
        assert_eq!(columns.len(), 2);
        assert_eq!(columns[0], columns[1]);
    }

    /// Width on a screen of letters that take one cell each and marks that take none.
    fn comfy_width(text: &str) -> usize {
        text.chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}')).count()
    }

    #[test]
    fn pairs_align_and_leave_out_what_is_empty() {
        let text = pairs(&[("a", "1".into()), ("long", "2\n3".into()), ("none", String::new())]);
        assert_eq!(text, "a     1\nlong  2\n      3");
    }
}
