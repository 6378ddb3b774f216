//! Rows of text in columns.

use console::{Alignment, measure_text_width, pad_str};

/// The side of its column on which a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// One line a row, the first with the heads. A column below whose head nothing stands is left out;
/// `paint` gets the number of a row, that of a column, and the cell in its full width.
pub(super) fn columns<const N: usize>(
    rows: &[[String; N]],
    sides: [Side; N],
    paint: impl Fn(usize, usize, String) -> String,
) -> String {
    let widest = |rows: &[[String; N]], column: usize| {
        let cells = rows.iter().map(|row| measure_text_width(&row[column]));
        cells.max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(|column| {
        let below = rows.get(1..).unwrap_or_default();
        match widest(below, column) {
            0 => 0,
            _ => widest(rows, column),
        }
    });
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells = (0..N).filter(|column| widths[*column] > 0).map(|column| {
            let side = match sides[column] {
                Side::Left => Alignment::Left,
                Side::Right => Alignment::Right,
            };
            let cell = pad_str(&row[column], widths[column], side, None);
            paint(number, column, cell.into_owned())
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// What needs no paint.
pub(super) fn plain(_: usize, _: usize, cell: String) -> String {
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_on_the_right_and_an_empty_column_is_left_out() {
        let rows = [
            ["NAME", "NOTE", "TIME"],
            ["web", "", "12s"],
            ["übung", "", "1s"],
        ];
        let rows = rows.map(|row| row.map(str::to_owned));
        let sides = [Side::Left, Side::Left, Side::Right];
        assert_eq!(
            columns(&rows, sides, plain),
            "NAME   TIME\nweb     12s\nübung    1s\n"
        );
    }

    #[test]
    fn paint_sees_where_a_cell_is_and_its_whole_width() {
        let rows = [["A"], ["xyz"]].map(|row| row.map(str::to_owned));
        let painted = columns(&rows, [Side::Left], |row, column, cell| {
            format!("{row}{column}<{cell}>")
        });
        assert_eq!(painted, "00<A  >\n10<xyz>\n");
    }
}
