//! The key that signs checkpoints; it stays on the host, readable by its owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The name under which keys of this program sign.
pub const KEY_NAME: &str = "nucleus-audit";

/// The file of the secret key: 32 bytes.
const SECRET_FILE: &str = "audit.key";
/// The file of the public key: one line.
const PUBLIC_FILE: &str = "audit.pub";

/// The byte that names Ed25519 in a C2SP signed note.
const ALGORITHM: u8 = 1;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file or directory could not be read or made.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Others than the owner can read or change the key.
    #[error("`{path}` can be read or changed by others (mode {mode:03o}): make it {wanted:03o}")]
    TooOpen {
        /// The file or directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode it needs.
        wanted: u32,
    },
    /// The file is no key.
    #[error("`{path}` is no key: it must hold 32 bytes")]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    NoRandomness(String),
    /// The text is no public key.
    #[error("no public key: it must read `name+hash+base64` (C2SP signed-note verifier key)")]
    NotAVerifyingKey,
}

impl KeyError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// Signs checkpoints.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl core::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SigningKey({})", self.verifying())
    }
}

impl SigningKey {
    /// The key of this seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// A new key.
    ///
    /// # Errors
    /// [`KeyError::NoRandomness`].
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut_slice())
            .map_err(|error| KeyError::NoRandomness(error.to_string()))?;
        Ok(Self::from_seed(&seed))
    }

    /// The key that checks what this one signs.
    #[must_use]
    pub fn verifying(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// Checks checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// The key of a C2SP verifier key line: `nucleus-audit+<hash>+<base64>`.
    ///
    /// # Errors
    /// [`KeyError::NotAVerifyingKey`].
    pub fn parse(line: &str) -> Result<Self, KeyError> {
        Self::parse_line(line.trim()).ok_or(KeyError::NotAVerifyingKey)
    }

    fn parse_line(line: &str) -> Option<Self> {
        let mut parts = line.splitn(3, '+');
        let (name, hash, encoded) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = STANDARD.decode(encoded).ok()?;
        let (algorithm, bytes) = bytes.split_first()?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
        let key = Self(key);
        let is_whole = *algorithm == ALGORITHM
            && name == KEY_NAME
            && !key.0.is_weak()
            && hash == format!("{:08x}", u32::from_be_bytes(key.hash()));
        is_whole.then_some(key)
    }

    /// Reads the key in this file.
    ///
    /// # Errors
    /// [`KeyError`] when it cannot be read or is none.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        Self::parse(&fs::read_to_string(path).map_err(KeyError::io("read", path))?)
    }

    /// The four bytes by which a note names the key.
    pub(crate) fn hash(&self) -> [u8; 4] {
        let mut hasher = Sha256::new();
        hasher.update(KEY_NAME.as_bytes());
        hasher.update([b'\n', ALGORITHM]);
        hasher.update(self.0.as_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// Whether the signature is this key's on this message; malleable and weak ones are not.
    pub(crate) fn is_signature(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0
            .verify_strict(message, &Signature::from_bytes(signature))
            .is_ok()
    }
}

impl core::fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut bytes = vec![ALGORITHM];
        bytes.extend_from_slice(self.0.as_bytes());
        let hash = u32::from_be_bytes(self.hash());
        write!(f, "{KEY_NAME}+{hash:08x}+{}", STANDARD.encode(bytes))
    }
}

/// The key in this directory, made if there is none: directory 0700, `audit.key` 0600, and beside it `audit.pub`.
///
/// Two processes that start at once agree on one key.
///
/// # Errors
/// [`KeyError`], also when others can read the key.
pub fn load_or_create_key(dir: &Path) -> Result<SigningKey, KeyError> {
    make_private_dir(dir)?;
    let path = dir.join(SECRET_FILE);
    let key = match load(&path)? {
        Some(key) => key,
        None => {
            create(dir, &path)?;
            load(&path)?.ok_or(KeyError::Malformed { path })?
        }
    };
    write_public(dir, &key.verifying())?;
    Ok(key)
}

/// Where the public key of this directory is.
#[must_use]
pub fn public_key_path(dir: &Path) -> PathBuf {
    dir.join(PUBLIC_FILE)
}

fn make_private_dir(dir: &Path) -> Result<(), KeyError> {
    crate::files::make_private_dir(dir).map_err(KeyError::io("make the directory", dir))?;
    check_mode(dir, 0o700)
}

/// Refuses what others than the owner can reach.
#[cfg(unix)]
fn check_mode(path: &Path, wanted: u32) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::symlink_metadata(path).map_err(KeyError::io("read", path))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(KeyError::TooOpen {
            path: path.to_owned(),
            mode,
            wanted,
        })
    }
}

#[cfg(not(unix))]
fn check_mode(_path: &Path, _wanted: u32) -> Result<(), KeyError> {
    Ok(())
}

fn load(path: &Path) -> Result<Option<SigningKey>, KeyError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(KeyError::io("open", path)(error)),
    };
    check_mode(path, 0o600)?;
    let mut seed = Zeroizing::new([0; 33]);
    let mut length = 0;
    loop {
        let read = file
            .read(&mut seed[length..])
            .map_err(KeyError::io("read", path))?;
        length += read;
        if read == 0 || length == seed.len() {
            break;
        }
    }
    match (length, seed.first_chunk::<32>()) {
        (32, Some(seed)) => Ok(Some(SigningKey::from_seed(seed))),
        _ => Err(KeyError::Malformed {
            path: path.to_owned(),
        }),
    }
}

/// Makes the key under a name of its own and links it into place, so that nobody sees half a key.
fn create(dir: &Path, path: &Path) -> Result<(), KeyError> {
    let key = SigningKey::generate()?;
    let mut suffix = [0; 8];
    getrandom::fill(&mut suffix).map_err(|error| KeyError::NoRandomness(error.to_string()))?;
    let partial = dir.join(format!(
        ".{SECRET_FILE}.{:016x}",
        u64::from_be_bytes(suffix)
    ));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    crate::files::private_mode(&mut options);
    let mut file = options
        .open(&partial)
        .map_err(KeyError::io("make", &partial))?;
    let seed = Zeroizing::new(key.0.to_bytes());
    file.write_all(seed.as_slice())
        .and_then(|()| file.sync_all())
        .map_err(KeyError::io("write", &partial))?;
    let linked = match fs::hard_link(&partial, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(KeyError::io("make", path)),
    };
    fs::remove_file(&partial).map_err(KeyError::io("remove", &partial))?;
    linked?;
    crate::files::sync_dir(dir).map_err(KeyError::io("sync", dir))
}

/// Writes the public key unless it already stands there.
fn write_public(dir: &Path, key: &VerifyingKey) -> Result<(), KeyError> {
    let path = public_key_path(dir);
    let line = format!("{key}\n");
    if fs::read_to_string(&path).is_ok_and(|text| text == line) {
        return Ok(());
    }
    fs::write(&path, line).map_err(KeyError::io("write", &path))
}
