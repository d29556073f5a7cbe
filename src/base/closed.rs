//! What of a set does nothing outside of it lead to?

use std::hash::Hash;

use rustc_hash::FxHashSet;

/// Takes out of a set what something outside of it leads to, and what that leads to, until the set is closed.
pub fn close<T: Copy + Eq + Hash>(set: &mut FxHashSet<T>, edges: &[(T, T)]) {
    loop {
        let before = set.len();
        for (from, to) in edges {
            if !set.contains(from) {
                set.remove(to);
            }
        }
        if set.len() == before {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_outsiders_lead_to_falls_out_with_what_it_leads_to() {
        let mut set: FxHashSet<u32> = [1, 2, 3, 4].into_iter().collect();
        close(&mut set, &[(1, 4), (2, 3), (9, 2)]);
        assert_eq!(set, [1, 4].into_iter().collect());
    }
}
