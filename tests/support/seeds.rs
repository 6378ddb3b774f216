//! Numbered cases made at random: how many, from which seed, and side by side.
//!
//! `DCB_CASES` is how many, `DCB_SEED` another seed than the usual one. A case depends on the seed and
//! its number alone, so a failure comes again whatever the machine does meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;

/// How many workers: what is tested uses more than one processor itself.
const WORKERS: usize = 2;

/// What cases were asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cases {
    /// Where they come from.
    pub(crate) seed: u64,
    /// How many.
    pub(crate) count: usize,
}

impl Cases {
    /// Those that the environment asks for, else `usual` ones; says which.
    pub(crate) fn asked(usual: usize) -> Self {
        let count = number("DCB_CASES").map(|count| usize::try_from(count).expect("a count"));
        let cases = Self {
            seed: number("DCB_SEED").unwrap_or(1),
            count: count.unwrap_or(usual),
        };
        println!(
            "seed {}, {} cases (DCB_SEED, DCB_CASES)",
            cases.seed, cases.count
        );
        cases
    }

    /// What case number `index` is made from.
    pub(crate) fn rng(self, index: usize) -> Rng {
        Rng::with_seed(self.seed.wrapping_mul(1_000_003).wrapping_add(index as u64))
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}: `{text}` is no number")),
    )
}

/// Does `work` for every number below `count`; each worker has what `begin` gives it.
pub(crate) fn side_by_side<T>(
    count: usize,
    begin: impl Fn() -> T + Sync,
    work: impl Fn(&mut T, usize) + Sync,
) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let mut own = begin();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    work(&mut own, index);
                }
            });
        }
    });
}
