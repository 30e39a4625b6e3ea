//! The hashes of a Merkle tree as in Certificate Transparency: RFC 6962 section 2.1, with SHA-256.

use sha2::{Digest, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// Of a leaf and of a node: no leaf can pass for a node.
const LEAF: [u8; 1] = [0];
const NODE: [u8; 1] = [1];

/// The hash of a leaf, whose data are these parts one after the other.
pub fn leaf(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new_with_prefix(LEAF);
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut hash = Sha256::new_with_prefix(NODE);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

/// The root of the tree over these hashes of leaves, in their order. A last node that has no neighbour goes up as it
/// is, which makes the tree of the RFC: its left half is always complete.
pub fn root(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut level: Vec<Hash> = leaves.into_iter().collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(node(left, right)),
                [last] => Some(*last),
                _ => None,
            })
            .collect();
    }
    level.first().copied().unwrap_or_else(|| Sha256::digest([]).into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Hash, leaf, node, root};
    use crate::kernel::value::hex::hex;

    /// The leaves of the tests of the Certificate Transparency log of Google and of Trillian.
    const LEAVES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];

    #[test]
    fn the_roots_are_those_of_certificate_transparency() {
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        for (count, expected) in roots.into_iter().enumerate() {
            let leaves = LEAVES.iter().take(count).map(|data| leaf(&[data]));
            assert_eq!(hex(&root(leaves)), expected, "{count}");
        }
    }

    /// MTH(D[n]) of RFC 6962 section 2.1, as it is written there.
    fn by_the_text(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => root([]),
            [one] => *one,
            more => {
                let half = more.len().next_power_of_two() / 2;
                let (left, right) = more.split_at(half);
                node(&by_the_text(left), &by_the_text(right))
            }
        }
    }

    #[test]
    fn the_tree_is_that_of_the_text() {
        let leaves: Vec<_> = (0u16..300).map(|n| leaf(&[&n.to_be_bytes()])).collect();
        for count in 0..leaves.len() {
            let some = leaves.get(..count).unwrap();
            assert_eq!(root(some.iter().copied()), by_the_text(some), "{count}");
        }
        assert_eq!(leaf(&[b"ab", b"c"]), leaf(&[b"abc"]));
    }
}
