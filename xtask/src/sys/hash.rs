//! SHA-256 and SHA-512 (FIPS 180-4) with ring, which TLS needs anyway, and hexadecimal digits.

pub(crate) use ring::digest::{Context as Hasher, Digest, SHA256, SHA512, digest};

/// The SHA-256 of the bytes, as 64 hex digits.
pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(digest(&SHA256, bytes.as_ref()))
}

pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A digest as OCI writes it: `sha256:…`.
pub(crate) fn oci(hash: Hasher) -> String {
    format!("sha256:{}", hex(hash.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_match_the_examples_of_the_standard() {
        for (bytes, expected) in [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            assert_eq!(sha256(bytes), expected);
        }
        let mut hash = Hasher::new(&SHA256);
        hash.update(b"a");
        hash.update(b"bc");
        assert_eq!(oci(hash), format!("sha256:{}", sha256("abc")));
        assert_eq!(hex(digest(&SHA512, b"abc"))[..16], *"ddaf35a193617aba");
        assert_eq!((hex([0, 15, 255]), hex([])), ("000fff".to_string(), String::new()));
    }
}
