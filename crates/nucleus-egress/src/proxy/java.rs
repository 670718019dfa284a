//! Writes certificates as the trust store of a Java machine, which reads no file of PEM.

use rustls::pki_types::CertificateDer;

/// `JKS`, version 2: every Java since 1.2 reads it.
const HEAD: [u8; 8] = [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2];
/// What an entry is: a certificate that is trusted.
const TRUSTED: u32 = 2;
const KIND: &str = "X.509";
/// The length of the digest at the end.
const DIGEST_BYTES: usize = 20;

/// The store that holds these certificates.
///
/// The digest over a password at its end is zero: the store has none, and Java compares the digest only where it is told
/// one. **A program that gives a password of its own is told that the store was tampered with.**
pub(super) fn trust_store(certificates: &[CertificateDer<'_>]) -> Vec<u8> {
    let mut bytes = HEAD.to_vec();
    number(&mut bytes, certificates.len());
    for (at, certificate) in certificates.iter().enumerate() {
        bytes.extend(TRUSTED.to_be_bytes());
        text(&mut bytes, &format!("nucleus-{at}"));
        // When it was added, which nobody reads.
        bytes.extend([0; 8]);
        text(&mut bytes, KIND);
        number(&mut bytes, certificate.len());
        bytes.extend_from_slice(certificate);
    }
    bytes.extend([0; DIGEST_BYTES]);
    bytes
}

fn number(bytes: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    bytes.extend(length.to_be_bytes());
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    bytes.extend(length.to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::trust_store;
    use rustls::pki_types::CertificateDer;

    #[test]
    fn a_store_is_laid_out_as_java_reads_it() {
        let store = trust_store(&[CertificateDer::from(vec![7, 8, 9])]);
        let expected = [
            &[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..],
            &[0, 9],
            b"nucleus-0",
            &[0; 8],
            &[0, 5],
            b"X.509",
            &[0, 0, 0, 3, 7, 8, 9],
            &[0; 20],
        ]
        .concat();
        assert_eq!(store, expected);
    }
}
