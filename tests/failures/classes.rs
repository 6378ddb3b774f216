//! `docs/failures.md` tells every class, with its exit code and what is done about it.

use dcb::failure::{Class, Obstacle};

/// The rows of the table: class, code, and what stands in the columns `fallback` and `retry`.
fn rows() -> Vec<(String, u8, String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/failures.md");
    let text = std::fs::read_to_string(path).expect("docs/failures.md is there");
    text.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [class, code, _, _, fallback, retry] = cells.as_slice() else {
                panic!("`{line}` has not six columns");
            };
            let class = class.trim_matches('`').to_owned();
            let code = code.parse().expect("an exit code");
            (class, code, (*fallback).to_owned(), (*retry).to_owned())
        })
        .collect()
}

#[test]
fn every_class_is_told_with_its_exit_code_in_the_order_of_the_codes() {
    let told: Vec<(String, u8)> = rows()
        .into_iter()
        .map(|(class, code, ..)| (class, code))
        .collect();
    let known: Vec<(String, u8)> = Class::ALL
        .iter()
        .map(|class| (class.id().to_owned(), class.exit_code()))
        .collect();
    assert_eq!(told, known);
    assert!(Class::ALL.is_sorted_by_key(|class| class.exit_code()));
}

#[test]
fn what_is_done_about_a_class_is_told_as_it_is_done() {
    for (class, (id, _, fallback, retry)) in Class::ALL.iter().zip(rows()) {
        let expected = match class.obstacle() {
            Some(Obstacle::Frontend) => "another form, or another builder",
            Some(Obstacle::Builder) => "another builder",
            None if *class == Class::RegistryUnreachable => "with `--pull`: local base images",
            None => "-",
        };
        assert_eq!(fallback, expected, "{id}");
        assert_eq!(retry != "-", class.may_pass(), "{id}");
    }
}
