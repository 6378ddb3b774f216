//! A table of a page whose every cell is tried on a real engine.
//!
//! With `DCB_TEST_ACCEPT=1` the table becomes what was found; read it before you commit it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::{Engine, engines, podman, told};

/// A column: its head, the engine that it is about, and what else the cells need to know.
pub struct Column<T> {
    pub head: String,
    pub engine: Engine,
    pub how: T,
}

/// The engines of the table as (head, suite, how), or nothing where one of them is not there: a
/// developer's own engine is none of a table's.
pub fn columns<T>(
    wanted: impl IntoIterator<Item = (&'static str, &'static str, T)>,
) -> Option<Vec<Column<T>>> {
    let by_suite: BTreeMap<String, Engine> = engines()
        .into_iter()
        .chain(podman())
        .map(|engine| (engine.suite.clone(), engine))
        .collect();
    wanted
        .into_iter()
        .map(|(head, suite, how)| {
            Some(Column {
                head: head.to_owned(),
                engine: by_suite.get(suite)?.clone(),
                how,
            })
        })
        .collect()
}

/// Fills the table, the columns side by side.
pub fn fill<T: Sync, R: Sync>(
    corner: &str,
    columns: &[Column<T>],
    rows: &[R],
    name: impl Fn(&R) -> String,
    cell: impl Fn(&Column<T>, &R) -> String + Sync,
) -> String {
    let cells: Vec<Vec<String>> = std::thread::scope(|scope| {
        let running: Vec<_> = columns
            .iter()
            .map(|column| {
                let cell = &cell;
                scope.spawn(move || rows.iter().map(|row| cell(column, row)).collect())
            })
            .collect();
        running
            .into_iter()
            .zip(columns)
            .map(|(running, column)| match running.join() {
                Ok(cells) => cells,
                // Told once more, for it is the last thing said that is looked at first.
                Err(panic) => {
                    let told = panic.downcast_ref::<String>().map_or("", String::as_str);
                    panic!("the column `{}` has a wrong cell: {told}", column.head)
                }
            })
            .collect()
    });
    let mut text = String::new();
    let heads: Vec<&str> = columns.iter().map(|column| column.head.as_str()).collect();
    let _ = writeln!(text, "| {corner} | {} |", heads.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(heads.len()));
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<&str> = cells.iter().map(|column| column[number].as_str()).collect();
        let _ = writeln!(text, "| {} | {} |", name(row), cells.join(" | "));
    }
    text
}

/// Holds what was found against what `page` tells between its marks.
pub fn assert_told(page: &str, found: &str) {
    const BEGIN: &str = "<!-- the matrix begins -->\n";
    const END: &str = "<!-- the matrix ends -->\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let page = std::fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once(BEGIN).expect("its begin");
    let (told, after) = rest.split_once(END).expect("its end");
    if std::env::var_os("DCB_TEST_ACCEPT").is_some() {
        let page = format!("{before}{BEGIN}{found}{END}{after}");
        std::fs::write(&path, page).expect("written");
        return;
    }
    told::assert_same(found, told);
}
