#!/bin/bash
# What the crate zxcvbn suggests about the case of a word, beside the original, npm zxcvbn, of which it is a port. The
# original tells three forms apart: a word with one capital in front, a word in capitals ("All-uppercase is almost as
# easy to guess as all-lowercase"), and any other mix, of which it says nothing. The crate looks at the first letter
# alone: whatever begins with a capital has "Capitalization doesn't help very much", and its member
# AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase is asked for only where the first letter is none, so that no password
# has it. The scores are the same.
#
# crate zxcvbn 3.1.1, npm zxcvbn 4.4.2, 2026-11-28, seen:
#   npm sunshine: score 0
#   npm Sunshine: score 0, Capitalization doesn't help very much
#   npm SUNSHINE: score 0, All-uppercase is almost as easy to guess as all-lowercase
#   npm SUNshine: score 1
#   npm sunSHINE: score 1
#   crate sunshine: score 0
#   crate Sunshine: score 0, Capitalization doesn't help very much.
#   crate SUNSHINE: score 0, Capitalization doesn't help very much.
#   crate SUNshine: score 1, Capitalization doesn't help very much.
#   crate sunSHINE: score 1
#
# Needs cargo, and Node.js (20 was used) with npm.
set -euo pipefail

written=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit --prefix "$folder" zxcvbn@4.4.2 > npm.log
cat > words.js <<'JS'
const zxcvbn = require('zxcvbn');
for (const word of process.argv.slice(2)) {
  const { score, feedback } = zxcvbn(word);
  const about = feedback.suggestions.filter((suggestion) => /^(Capitalization|All-uppercase)/.test(suggestion));
  console.log([`npm ${word}: score ${score}`, ...about].join(', '));
}
JS
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "words"
version = "0.0.0"
edition = "2021"

[dependencies]
zxcvbn = "=3.1.1"
TOML
cat > src/main.rs <<'RUST'
fn main() {
    for word in std::env::args().skip(1) {
        let entropy = zxcvbn::zxcvbn(&word, &[]);
        let mut line = format!("crate {word}: score {}", entropy.score());
        for suggestion in entropy.feedback().map(|feedback| feedback.suggestions()).unwrap_or_default() {
            let text = suggestion.to_string();
            if text.starts_with("Capitalization") || text.starts_with("All-uppercase") {
                line.push_str(&format!(", {text}"));
            }
        }
        println!("{line}");
    }
}
RUST
cargo build --quiet --target-dir "$folder/target"
words=(sunshine Sunshine SUNSHINE SUNshine sunSHINE)
seen=$(node words.js "${words[@]}"; "$folder/target/debug/words" "${words[@]}")
echo "$seen"
diff <(echo "$written") <(echo "$seen") && echo "as written"
