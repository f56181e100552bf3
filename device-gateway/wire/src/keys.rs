//! Keys as they lie in files: private ones in PKCS#8 PEM (RFC 8410) or as 64 hex digits of the seed, public
//! ones as 64 hex digits.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use ed25519_dalek::{
    SigningKey, VerifyingKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes, spki::der::pem::LineEnding},
};

/// More than any key file of ours measures, in bytes.
const LONGEST_FILE: u64 = 4096;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is no private key.
    #[error("not an Ed25519 private key: write PKCS#8 PEM (BEGIN PRIVATE KEY) or the seed in 64 hex digits")]
    NotPrivate,
    /// The text is no public key, or one that would verify anything.
    #[error("not an Ed25519 public key: write 64 hex digits")]
    NotPublic,
    /// A file with neither.
    #[error("{path}: {why}", path = .path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What it is not.
        why: Box<KeyError>,
    },
    /// A file that cannot be read or written.
    #[error("{path}: {why}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
}

/// Reads a private key from PKCS#8 PEM, or from the 64 hex digits of its seed.
pub fn parse_private(text: &str) -> Result<SigningKey, KeyError> {
    let text = text.trim();
    if text.starts_with("-----BEGIN") {
        return SigningKey::from_pkcs8_pem(text).map_err(|_| KeyError::NotPrivate);
    }
    seed_from_hex(text).map(|seed| SigningKey::from_bytes(&seed)).ok_or(KeyError::NotPrivate)
}

/// A private key in PKCS#8 PEM, version 1: without the public key, since
/// readers of version 2 are rare.
pub fn private_to_pem(key: &SigningKey) -> Result<String, KeyError> {
    let pair = KeypairBytes { secret_key: key.to_bytes(), public_key: None };
    let pem = pair.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::NotPrivate)?;
    Ok(pem.to_string())
}

/// Reads a private key file.
pub fn read_private(path: &Path) -> Result<SigningKey, KeyError> {
    in_file(path, parse_private(&read(path)?))
}

/// Writes a new private key file that only its owner can read. A file that is there already stays.
pub fn write_private(path: &Path, key: &SigningKey) -> Result<(), KeyError> {
    let pem = private_to_pem(key)?;
    let created = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    created
        .and_then(|mut file| file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|why| KeyError::Io { path: path.to_owned(), why })
}

/// Reads a public key from 64 hex digits.
pub fn parse_public(text: &str) -> Result<VerifyingKey, KeyError> {
    seed_from_hex(text.trim()).ok_or(KeyError::NotPublic).and_then(|bytes| public_from_bytes(&bytes))
}

/// The public key of these bytes. One of small order, under which anybody can sign, is none.
pub fn public_from_bytes(bytes: &[u8; 32]) -> Result<VerifyingKey, KeyError> {
    match VerifyingKey::from_bytes(bytes) {
        Ok(key) if !key.is_weak() => Ok(key),
        _ => Err(KeyError::NotPublic),
    }
}

/// A public key as 64 hex digits.
pub fn public_to_hex(key: &VerifyingKey) -> String {
    hex::encode(key.as_bytes())
}

/// Reads a public key file.
pub fn read_public(path: &Path) -> Result<VerifyingKey, KeyError> {
    in_file(path, parse_public(&read(path)?))
}

fn seed_from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}

fn read(path: &Path) -> Result<String, KeyError> {
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(LONGEST_FILE).read_to_string(&mut text))
        .map_err(|why| KeyError::Io { path: path.to_owned(), why })?;
    Ok(text)
}

fn in_file<T>(path: &Path, parsed: Result<T, KeyError>) -> Result<T, KeyError> {
    parsed.map_err(|why| KeyError::InFile { path: path.to_owned(), why: Box::new(why) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8410 §10.3.
    const RFC_8410: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    const RFC_8410_SEED: &str = "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";

    #[test]
    fn a_private_key_reads_from_pem_and_from_its_seed() {
        let key = parse_private(RFC_8410).unwrap();
        assert_eq!(hex::encode(key.to_bytes()), RFC_8410_SEED);
        assert_eq!(parse_private(&format!("{RFC_8410_SEED}\n")).unwrap(), key);
        assert_eq!(private_to_pem(&key).unwrap(), RFC_8410);
    }

    #[test]
    fn a_key_file_is_its_owners_alone_and_never_overwritten() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("device.key");
        let key = parse_private(RFC_8410_SEED).unwrap();
        write_private(&path, &key).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_private(&path).unwrap(), key);
        assert!(matches!(write_private(&path, &key), Err(KeyError::Io { .. })));
        let error = read_public(&path).unwrap_err().to_string();
        assert!(error.contains("device.key: ") && error.ends_with("64 hex digits"), "{error}");
        assert!(matches!(read_private(directory.path()), Err(KeyError::Io { .. })));
    }

    #[test]
    fn a_public_key_reads_back_as_written() {
        let key = parse_private(RFC_8410_SEED).unwrap().verifying_key();
        assert_eq!(parse_public(&public_to_hex(&key)).unwrap(), key);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "00", "-----BEGIN PRIVATE KEY-----", &"g".repeat(64), &"0".repeat(66)] {
            assert!(matches!(parse_private(text), Err(KeyError::NotPrivate)), "{text}");
        }
        // The neutral element verifies signatures of anybody; y = 2 is on no point of the curve.
        let neutral = format!("01{}", "00".repeat(31));
        let none = format!("02{}", "00".repeat(31));
        for text in ["", "00", &"z".repeat(64), &neutral, &none] {
            assert!(matches!(parse_public(text), Err(KeyError::NotPublic)), "{text}");
        }
    }
}
