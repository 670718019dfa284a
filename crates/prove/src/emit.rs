//! Has the compiler write what it makes of the laws: the stable toolchain, a fixed list of light passes, overflow checks on.
//!
//! `portcullis` and `portcullis-text` are the very libraries that the workspace's release build made; their
//! inlined functions are in the laws' output.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The passes: enough to bring each law into one function without memory and loops,
/// and nothing that merges functions or rewrites arithmetic.
const PASSES: &str = "module-inline,function(sroa,early-cse<memssa>,instsimplify,simplifycfg,\
    memcpyopt,sroa,loop-simplify,lcssa,loop-mssa(loop-rotate),loop(indvars),loop-unroll<O3>,sroa,\
    gvn,sccp,dse,adce,sroa,instsimplify,simplifycfg,adce),globaldce";

/// Inline whatever can be, and unroll the loops over twelve operations.
const LIMITS: &str = "-inline-threshold=1000000 -inlinecold-threshold=1000000 \
    -cold-callsite-rel-freq=0 -inline-deferral=false -unroll-threshold=100000";

/// The library of the text readers, as it is imported.
const TEXT: &str = "portcullis_text";

/// A failure of a program that was asked for something.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The libraries that a build of `portcullis` used and made.
#[derive(Clone, Debug)]
pub struct Libraries {
    /// `portcullis` itself.
    pub portcullis: PathBuf,
    /// Each library by the name it is imported under.
    pub others: Vec<(String, PathBuf)>,
}

impl Libraries {
    /// Tells the compiler where the libraries are that others were built with.
    fn search(&self, rustc: &mut Command) {
        let folders: BTreeSet<&Path> = self.others.iter().filter_map(|(_, library)| library.parent()).collect();
        rustc.args(folders.iter().map(|folder| format!("-Ldependency={}", folder.display())));
    }
}

/// Builds `portcullis` as the workspace does, and says where its libraries are.
///
/// # Errors
/// When the build fails or names no library.
pub fn libraries(root: &Path) -> Result<Libraries, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--locked", "-p", "portcullis", "--message-format=json-render-diagnostics"]);
    let output = succeed(build.current_dir(root))?;
    let mut others = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message: Value = serde_json::from_str(line)?;
        if message["reason"] == "compiler-artifact" {
            let name = message["target"]["name"].as_str().unwrap_or_default().replace('-', "_");
            let files = message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str);
            others.extend(files.filter(|file| file.ends_with(".rlib")).map(|file| (name.clone(), PathBuf::from(file))));
        }
    }
    let own = others.iter().position(|(name, _)| name == "portcullis").ok_or("cargo named no library of portcullis")?;
    Ok(Libraries { portcullis: others.swap_remove(own).1, others })
}

/// Compiles `portcullis`, and `portcullis-text` below it, from another source tree against the libraries of others,
/// without optimising them.
///
/// # Errors
/// When one does not compile, or the build had no `portcullis-text`.
pub fn portcullis(tree: &Path, libraries: &Libraries, out: &Path) -> Result<PathBuf, Failure> {
    let mut libraries = libraries.clone();
    let text = library(tree, TEXT, &libraries, out)?;
    let built = libraries.others.iter_mut().find(|(name, _)| name == TEXT);
    built.ok_or("cargo named no library of portcullis-text")?.1 = text;
    library(tree, "portcullis", &libraries, out)
}

/// Compiles one library of a source tree, without optimising it.
fn library(tree: &Path, name: &str, libraries: &Libraries, out: &Path) -> Result<PathBuf, Failure> {
    let mut rustc = compiler(tree, name);
    rustc.arg("--out-dir").arg(out).args(["--emit=metadata,llvm-ir", "-C", "no-prepopulate-passes"]);
    for (other, library) in libraries.others.iter().filter(|(other, _)| other != name) {
        rustc.arg("--extern").arg(format!("{other}={}", library.display()));
    }
    libraries.search(&mut rustc);
    succeed(&mut rustc)?;
    Ok(out.join(format!("lib{name}.rmeta")))
}

/// The compiler's output for the laws of a source tree.
///
/// # Errors
/// When they do not compile.
pub fn laws(tree: &Path, portcullis: &Path, libraries: &Libraries, out: &Path) -> Result<String, Failure> {
    let made = out.join("laws.ll");
    let mut rustc = compiler(tree, "portcullis_laws");
    rustc.arg("-o").arg(&made).args(["--emit=llvm-ir", "-C", "no-prepopulate-passes"]);
    rustc.arg("-C").arg(format!("passes={PASSES}")).arg("-C").arg(format!("llvm-args={LIMITS}"));
    rustc.arg("--extern").arg(format!("portcullis={}", portcullis.display()));
    // What it was compiled against lies beside it where both are of the same tree.
    rustc.args(portcullis.parent().map(|beside| format!("-Ldependency={}", beside.display())));
    libraries.search(&mut rustc);
    succeed(&mut rustc)?;
    Ok(std::fs::read_to_string(made)?)
}

/// A compilation of one library of a source tree.
fn compiler(tree: &Path, library: &str) -> Command {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.current_dir(tree).args(["--edition", "2024", "--crate-type", "rlib", "--cap-lints", "allow"]);
    command.args(["--crate-name", library]);
    command.arg(format!("crates/{}/src/lib.rs", library.replace('_', "-")));
    let options = ["opt-level=3", "panic=abort", "codegen-units=1", "overflow-checks=on", "symbol-mangling-version=v0"];
    command.args(options.iter().flat_map(|option| ["-C", option]));
    command
}

/// Runs a program; its errors are shown when it fails.
fn succeed(command: &mut Command) -> Result<Output, Failure> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(output);
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    let first: Vec<&str> = errors.lines().filter(|line| line.starts_with("error")).take(3).collect();
    Err(format!("{program} failed: {}", if first.is_empty() { errors.trim().to_owned() } else { first.join("; ") })
        .into())
}
