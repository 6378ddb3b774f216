//! Blobs by digest, in a directory as the OCI image layout has it: `blobs/sha256/<hex>`.
//!
//! A blob appears under its name when it is whole and its digest is right, never before: it is
//! written elsewhere in the same directory and renamed.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::human;

/// Where blobs are written until they are whole; containerd's own stores call it so.
const INGEST: &str = "ingest";
/// How files of ours begin there.
const UNFINISHED: &str = "dcb-";
/// The most that is read at once.
const CHUNK: usize = 1 << 20;

/// A SHA-256 digest: `sha256:` and 64 hexadecimal digits, which makes it safe as a file's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::docker::buildkit) struct Digest(String);

impl Digest {
    /// The digest that `text` spells, if it is one.
    pub(in crate::docker::buildkit) fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (hex.len() == 64 && hex.bytes().all(is_hex)).then(|| Self(hex.to_owned()))
    }

    fn of(hash: Sha256) -> Self {
        Self(human::hex(&hash.finalize()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

/// The blobs of one directory.
#[derive(Debug, Clone)]
pub(in crate::docker::buildkit) struct Blobs {
    root: PathBuf,
}

impl Blobs {
    /// Those below `root`, which need not exist.
    pub(in crate::docker::buildkit) fn of(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The directory that they are in.
    fn directory(&self) -> PathBuf {
        self.root.join("blobs/sha256")
    }

    /// Where a blob is, or would be.
    pub(in crate::docker::buildkit) fn path(&self, digest: &Digest) -> PathBuf {
        self.directory().join(&digest.0)
    }

    /// A blob's size in bytes.
    pub(in crate::docker::buildkit) fn size(&self, digest: &Digest) -> io::Result<u64> {
        let metadata = self.path(digest).metadata()?;
        if metadata.is_file() {
            Ok(metadata.len())
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    /// When a blob was last written.
    pub(in crate::docker::buildkit) fn written(&self, digest: &Digest) -> io::Result<SystemTime> {
        self.path(digest).metadata()?.modified()
    }

    /// Whether a blob is there and holds what its digest says.
    pub(in crate::docker::buildkit) fn is_sound(&self, digest: &Digest) -> bool {
        let mut hash = Sha256::new();
        File::open(self.path(digest))
            .and_then(|file| read_chunks(file, |chunk| hash.update(chunk)))
            .is_ok()
            && Digest::of(hash) == *digest
    }

    /// The whole of a small blob, if it is sound.
    pub(in crate::docker::buildkit) fn read(&self, digest: &Digest) -> Option<Vec<u8>> {
        let content = std::fs::read(self.path(digest)).ok()?;
        (Digest::of(Sha256::new_with_prefix(&content)) == *digest).then_some(content)
    }

    /// Makes the directories that writing takes.
    pub(in crate::docker::buildkit) fn create(&self) -> io::Result<()> {
        std::fs::create_dir_all(self.directory())?;
        std::fs::create_dir_all(self.root.join(INGEST))?;
        // A directory that may not be written to is better known before the build than after it.
        self.temporary().map(drop)
    }

    fn temporary(&self) -> io::Result<NamedTempFile> {
        tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(self.root.join(INGEST))
    }

    /// Begins a blob.
    pub(super) fn begin(&self) -> io::Result<Ingest> {
        Ok(Ingest {
            file: self.temporary()?,
            hash: Sha256::new(),
            length: 0,
        })
    }

    /// Removes what `keep` does not name, and what was left unfinished; the bytes that were freed.
    pub(in crate::docker::buildkit) fn sweep(&self, keep: impl Fn(&Digest) -> bool) -> u64 {
        let blobs = entries(&self.directory()).filter(|(name, _)| {
            Digest::parse(&format!("sha256:{name}")).is_some_and(|digest| !keep(&digest))
        });
        let unfinished =
            entries(&self.root.join(INGEST)).filter(|(name, _)| name.starts_with(UNFINISHED));
        blobs
            .chain(unfinished)
            .filter_map(|(_, path)| {
                let size = path.metadata().ok()?.len();
                std::fs::remove_file(path).ok()?;
                Some(size)
            })
            .sum()
    }

    /// Puts a file of the layout in its place, as a whole.
    pub(in crate::docker::buildkit) fn replace(&self, name: &str, text: &str) -> io::Result<()> {
        let mut file = self.temporary()?;
        file.write_all(text.as_bytes())?;
        // The one file whose loss would lose all others.
        file.as_file().sync_all()?;
        readable(file.as_file(), 0o644)?;
        file.persist(self.root.join(name))?;
        Ok(())
    }
}

/// The files of a directory; none when it cannot be read.
fn entries(directory: &Path) -> impl Iterator<Item = (String, PathBuf)> + use<> {
    std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().into_string().ok()?, entry.path()))
        })
}

/// A blob that is being written. Dropping it throws away what was written.
pub(super) struct Ingest {
    file: NamedTempFile,
    hash: Sha256,
    length: u64,
}

impl Ingest {
    /// How many bytes are written.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The digest of what is written.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(self.hash.clone())
    }

    /// Writes more.
    pub(super) fn write(&mut self, data: &[u8]) -> io::Result<()> {
        self.file.write_all(data)?;
        self.hash.update(data);
        self.length += data.len() as u64;
        Ok(())
    }

    /// Begins again.
    pub(super) fn truncate(&mut self) -> io::Result<()> {
        use std::io::Seek;
        self.file.as_file().set_len(0)?;
        self.file.rewind()?;
        self.hash = Sha256::new();
        self.length = 0;
        Ok(())
    }

    /// Gives the blob its name.
    pub(super) fn commit(self, blobs: &Blobs) -> io::Result<Digest> {
        let digest = Digest::of(self.hash);
        readable(self.file.as_file(), 0o444)?;
        self.file.persist(blobs.path(&digest))?;
        Ok(digest)
    }
}

/// Lets others read a file too: temporary ones are for their owner only.
fn readable(file: &File, mode: u32) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(mode))
    }
    #[cfg(not(unix))]
    {
        let _ = (file, mode);
        Ok(())
    }
}

/// Reads to the end, piece by piece.
fn read_chunks(mut from: impl Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            length => take(&buffer[..length]),
        }
    }
}
