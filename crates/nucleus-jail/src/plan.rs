//! The spec as bytes: what the helper needs (trees, limits) apart from what only the jail's own first process reads.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::spec::{Access, Form, JailSpec, Owner, Reach, Stdio, TreeId, UnixSockets, Upper, View};
use crate::wire::{Reader, Writer};

/// What a tree is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Role {
    /// Read-only view with the mounts below it.
    View,
    /// Read-only view whose owner's files appear as the jail's.
    OwnedView,
    /// Writable view.
    Writable,
    /// A lower layer of the workspace.
    Layer,
    /// The parent of the upper and work directories.
    Upper,
    /// A layer of a masked view, whose owner stays who it is.
    KeptLayer,
}

impl Role {
    fn from_u8(n: u8) -> Option<Self> {
        [
            Role::View,
            Role::OwnedView,
            Role::Writable,
            Role::Layer,
            Role::Upper,
            Role::KeptLayer,
        ]
        .get(usize::from(n))
        .copied()
    }
}

/// A host tree to be opened, by whoever may: the helper as root, else the jail's first process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeRequest {
    pub(crate) role: Role,
    pub(crate) path: PathBuf,
    pub(crate) id: Option<TreeId>,
}

/// What the helper reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) form: Form,
    pub(crate) processes: u32,
    pub(crate) memory_bytes: u64,
    pub(crate) trees: Vec<TreeRequest>,
}

impl Request {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(u8::from(self.form == Form::Namespaces));
        out.u64(self.processes.into());
        out.u64(self.memory_bytes);
        out.u64(self.trees.len() as u64);
        for tree in &self.trees {
            out.u8(tree.role as u8);
            out.text(&tree.path);
            out.u8(u8::from(tree.id.is_some()));
            if let Some(id) = tree.id {
                out.u64(id.dev);
                out.u64(id.ino);
            }
        }
        out.0
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader(bytes);
        Some(Self {
            form: if input.u8()? == 1 {
                Form::Namespaces
            } else {
                Form::WithoutNamespaces
            },
            processes: input.u32()?,
            memory_bytes: input.u64()?,
            trees: input.list(|input| {
                Some(TreeRequest {
                    role: Role::from_u8(input.u8()?)?,
                    path: PathBuf::from(OsStr::from_bytes(input.bytes()?)),
                    id: if input.u8()? == 1 {
                        Some(TreeId {
                            dev: input.u64()?,
                            ino: input.u64()?,
                        })
                    } else {
                        None
                    },
                })
            })?,
        })
    }
}

/// A view, its trees replaced by their index in [`Request::trees`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PlanView<'a> {
    Tree {
        index: usize,
        inside: &'a Path,
        access: Access,
    },
    Masked {
        layers: [usize; 2],
        inside: &'a Path,
    },
    File {
        inside: &'a Path,
        bytes: &'a [u8],
        mode: u32,
    },
    Link {
        inside: &'a Path,
        target: &'a Path,
    },
    Dir {
        inside: &'a Path,
    },
    Tmpfs {
        inside: &'a Path,
        bytes: u64,
        inodes: u64,
    },
}

/// The upper layer, its tree replaced by its index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PlanUpper {
    None,
    Tmpfs { bytes: u64, inodes: u64 },
    Disk { index: usize },
}

/// The workspace, its trees replaced by their indices; `layers` top first, the real tree last.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PlanOverlay<'a> {
    pub(crate) inside: &'a Path,
    pub(crate) layers: Vec<usize>,
    pub(crate) upper: PlanUpper,
}

/// Standard streams; descriptors travel beside the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PlanStdio {
    Null,
    Fds,
    Terminal { rows: u16, cols: u16 },
}

/// What the jail's first process reads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan<'a> {
    pub(crate) form: Form,
    pub(crate) unix: UnixSockets,
    pub(crate) landlock_abi: u32,
    pub(crate) hostname: &'a [u8],
    pub(crate) argv: Vec<&'a [u8]>,
    pub(crate) env: Vec<(&'a [u8], &'a [u8])>,
    pub(crate) cwd: &'a Path,
    pub(crate) processes: u32,
    pub(crate) memory_bytes: u64,
    pub(crate) open_files: u32,
    pub(crate) file_bytes: Option<u64>,
    pub(crate) scratch_bytes: u64,
    pub(crate) views: Vec<PlanView<'a>>,
    pub(crate) workspace: Option<PlanOverlay<'a>>,
    pub(crate) ports: Vec<u16>,
    pub(crate) reach: Reach,
    pub(crate) stdio: PlanStdio,
}

/// Splits a spec into the helper's request and the jail's plan.
pub(crate) fn encode(spec: &JailSpec, landlock_abi: u32) -> (Request, Vec<u8>) {
    let mut trees = Vec::new();
    let mut out = Writer(Vec::with_capacity(size_hint(spec)));
    out.u8(u8::from(spec.form == Form::Namespaces));
    out.u8(u8::from(spec.unix_sockets == UnixSockets::Private));
    out.u64(landlock_abi.into());
    out.text(&spec.hostname);
    out.u64(spec.argv.len() as u64);
    spec.argv.iter().for_each(|word| out.text(word));
    out.u64(spec.env.len() as u64);
    for (name, value) in &spec.env {
        out.text(name);
        out.text(value);
    }
    out.text(&spec.cwd);
    encode_limits(spec, &mut out);
    out.u64(spec.views.len() as u64);
    spec.views
        .iter()
        .for_each(|view| encode_view(view, &mut trees, &mut out));
    encode_workspace(spec, &mut trees, &mut out);
    out.u64(spec.ports.len() as u64);
    spec.ports.iter().for_each(|&port| out.u64(port.into()));
    out.u8(u8::from(spec.reach == Reach::Redirected));
    match spec.stdio {
        Stdio::Null => out.u8(0),
        Stdio::Fds { .. } => out.u8(1),
        Stdio::Terminal { rows, cols } => {
            out.u8(2);
            out.u64(rows.into());
            out.u64(cols.into());
        }
    }
    let request = Request {
        form: spec.form,
        processes: spec.limits.processes,
        memory_bytes: spec.limits.memory_bytes,
        trees,
    };
    (request, out.0)
}

/// About the bytes of a plan, so that one with large files is written in one piece of memory.
fn size_hint(spec: &JailSpec) -> usize {
    /// Names, variables and numbers of a usual spec.
    const REST_BYTES: usize = 16 << 10;
    let files = spec.views.iter().map(|view| match view {
        View::File { bytes, .. } => bytes.len(),
        _ => 0,
    });
    files.sum::<usize>() + REST_BYTES
}

fn encode_limits(spec: &JailSpec, out: &mut Writer) {
    let limits = &spec.limits;
    out.u64(limits.processes.into());
    out.u64(limits.memory_bytes);
    out.u64(limits.open_files.into());
    out.u8(u8::from(limits.file_bytes.is_some()));
    out.u64(limits.file_bytes.unwrap_or(0));
    out.u64(limits.scratch_bytes);
}

fn push_tree(trees: &mut Vec<TreeRequest>, role: Role, path: &Path, id: Option<TreeId>) -> u64 {
    trees.push(TreeRequest {
        role,
        path: path.to_owned(),
        id,
    });
    trees.len() as u64 - 1
}

fn encode_view(view: &View, trees: &mut Vec<TreeRequest>, out: &mut Writer) {
    match view {
        View::Bind {
            host,
            inside,
            access,
        } => {
            let role = if *access == Access::ReadOnly {
                Role::View
            } else {
                Role::Writable
            };
            out.u8(0);
            out.u64(push_tree(trees, role, host, None));
            out.text(inside);
            out.u8(u8::from(*access == Access::ReadWrite));
        }
        View::BindOwned { host, inside } => {
            out.u8(0);
            out.u64(push_tree(trees, Role::OwnedView, host, None));
            out.text(inside);
            out.u8(0);
        }
        View::Masked {
            host,
            inside,
            mask,
            owner,
        } => {
            let role = match owner {
                Owner::Host => Role::KeptLayer,
                Owner::Jail => Role::Layer,
            };
            out.u8(5);
            for layer in [mask, host] {
                out.u64(push_tree(trees, role, layer, None));
            }
            out.text(inside);
        }
        View::File {
            inside,
            bytes,
            mode,
        } => {
            out.u8(1);
            out.text(inside);
            out.bytes(bytes);
            out.u64((mode & 0o777).into());
        }
        View::Link { inside, target } => {
            out.u8(2);
            out.text(inside);
            out.text(target);
        }
        View::Dir { inside } => {
            out.u8(3);
            out.text(inside);
        }
        View::Tmpfs {
            inside,
            bytes,
            inodes,
        } => {
            out.u8(4);
            out.text(inside);
            out.u64(*bytes);
            out.u64(*inodes);
        }
    }
}

fn encode_workspace(spec: &JailSpec, trees: &mut Vec<TreeRequest>, out: &mut Writer) {
    out.u8(u8::from(spec.workspace.is_some()));
    let Some(overlay) = &spec.workspace else {
        return;
    };
    out.text(&overlay.inside);
    let above: Vec<&PathBuf> = [&overlay.mask, &overlay.staged]
        .into_iter()
        .flatten()
        .collect();
    out.u64(above.len() as u64 + 1);
    for path in above {
        out.u64(push_tree(trees, Role::Layer, path, None));
    }
    out.u64(push_tree(
        trees,
        Role::Layer,
        &overlay.lower.path,
        overlay.lower.id,
    ));
    match &overlay.upper {
        Upper::None => out.u8(0),
        Upper::Tmpfs { bytes, inodes } => {
            out.u8(1);
            out.u64(*bytes);
            out.u64(*inodes);
        }
        Upper::Disk(dir) => {
            out.u8(2);
            out.u64(push_tree(trees, Role::Upper, dir, None));
        }
    }
}

fn path<'a>(input: &mut Reader<'a>) -> Option<&'a Path> {
    input
        .bytes()
        .map(|bytes| Path::new(OsStr::from_bytes(bytes)))
}

fn index(input: &mut Reader<'_>) -> Option<usize> {
    usize::try_from(input.u64()?).ok()
}

impl<'a> Plan<'a> {
    /// Reads what [`encode`] wrote.
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let input = &mut Reader(bytes);
        Some(Self {
            form: if input.u8()? == 1 {
                Form::Namespaces
            } else {
                Form::WithoutNamespaces
            },
            unix: if input.u8()? == 1 {
                UnixSockets::Private
            } else {
                UnixSockets::Refused
            },
            landlock_abi: input.u32()?,
            hostname: input.bytes()?,
            argv: input.list(Reader::bytes)?,
            env: input.list(|input| Some((input.bytes()?, input.bytes()?)))?,
            cwd: path(input)?,
            processes: input.u32()?,
            memory_bytes: input.u64()?,
            open_files: input.u32()?,
            file_bytes: {
                let is_set = input.u8()? == 1;
                let bytes = input.u64()?;
                is_set.then_some(bytes)
            },
            scratch_bytes: input.u64()?,
            views: input.list(decode_view)?,
            workspace: if input.u8()? == 1 {
                Some(decode_workspace(input)?)
            } else {
                None
            },
            ports: input.list(|input| u16::try_from(input.u64()?).ok())?,
            reach: if input.u8()? == 1 {
                Reach::Redirected
            } else {
                Reach::Nothing
            },
            stdio: match input.u8()? {
                0 => PlanStdio::Null,
                1 => PlanStdio::Fds,
                2 => PlanStdio::Terminal {
                    rows: u16::try_from(input.u64()?).ok()?,
                    cols: u16::try_from(input.u64()?).ok()?,
                },
                _ => return None,
            },
        })
    }
}

fn decode_view<'a>(input: &mut Reader<'a>) -> Option<PlanView<'a>> {
    Some(match input.u8()? {
        0 => PlanView::Tree {
            index: index(input)?,
            inside: path(input)?,
            access: if input.u8()? == 1 {
                Access::ReadWrite
            } else {
                Access::ReadOnly
            },
        },
        1 => PlanView::File {
            inside: path(input)?,
            bytes: input.bytes()?,
            mode: input.u32()?,
        },
        2 => PlanView::Link {
            inside: path(input)?,
            target: path(input)?,
        },
        3 => PlanView::Dir {
            inside: path(input)?,
        },
        4 => PlanView::Tmpfs {
            inside: path(input)?,
            bytes: input.u64()?,
            inodes: input.u64()?,
        },
        5 => PlanView::Masked {
            layers: [index(input)?, index(input)?],
            inside: path(input)?,
        },
        _ => return None,
    })
}

fn decode_workspace<'a>(input: &mut Reader<'a>) -> Option<PlanOverlay<'a>> {
    Some(PlanOverlay {
        inside: path(input)?,
        layers: input.list(index)?,
        upper: match input.u8()? {
            0 => PlanUpper::None,
            1 => PlanUpper::Tmpfs {
                bytes: input.u64()?,
                inodes: input.u64()?,
            },
            2 => PlanUpper::Disk {
                index: index(input)?,
            },
            _ => return None,
        },
    })
}
