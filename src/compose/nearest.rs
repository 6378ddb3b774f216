//! What someone probably meant by a name that does not exist.

/// The candidate that `word` is most likely a misspelling of, if any is near enough.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl Iterator<Item = &'c str>,
) -> Option<&'c str> {
    let allowed = (word.chars().count() / 3).max(1);
    let length = word.chars().count();
    candidates
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be inserted, removed, changed or swapped with their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one
        .chars()
        .map(|c| if c == '-' { '_' } else { c })
        .collect();
    let other: Vec<char> = other
        .chars()
        .map(|c| if c == '-' { '_' } else { c })
        .collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for i in 1..=one.len() {
        let mut next = vec![i];
        for j in 1..=other.len() {
            let same = usize::from(one[i - 1] != other[j - 1]);
            let mut best = (row[j - 1] + same).min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_finds_its_neighbour() {
        for (written, meant) in [
            ("dokerfile", Some("dockerfile")),
            ("additional-contexts", Some("additional_contexts")),
            ("imgae", Some("image")),
            ("zzz", None),
        ] {
            let known = ["dockerfile", "additional_contexts", "image", "init"];
            assert_eq!(nearest(written, known.into_iter()), meant, "{written}");
        }
    }
}
