//! Writes `corpus/audit` anew, with the verifier's findings as expectations: read the difference before committing.
#![expect(clippy::unwrap_used, reason = "stops at the first error")]

#[path = "../tests/it/forge.rs"]
mod forge;
#[path = "../tests/it/scene.rs"]
mod scene;
#[path = "../tests/it/vectors.rs"]
mod vectors;

use std::path::Path;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/audit");
    for kind in ["good", "bad"] {
        let _ = std::fs::remove_dir_all(root.join(kind));
    }
    vectors::write(&root);
    vectors::write_expected(&root);
}
