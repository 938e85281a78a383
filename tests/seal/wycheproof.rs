//! Wycheproof: the functions below Noise, at their edges.

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use chacha20poly1305::ChaCha20Poly1305;
use fluxar::engine::wire::seal::{SealError, dh};
use wycheproof::{TestResult, aead, xdh};

#[test]
fn x25519_agrees_and_refuses_keys_of_low_order() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut agreed, mut refused) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let (Ok(secret), Ok(public)) = (
            <[u8; 32]>::try_from(&test.private_key[..]),
            <[u8; 32]>::try_from(&test.public_key[..]),
        ) else {
            continue;
        };
        if test.shared_secret.iter().all(|byte| *byte == 0) {
            assert_eq!(dh(&secret, &public).err(), Some(SealError::WeakKey), "{}", test.tc_id);
            refused += 1;
        } else {
            assert_eq!(dh(&secret, &public).unwrap()[..], test.shared_secret[..], "{}", test.tc_id);
            agreed += 1;
        }
    }
    assert_eq!((agreed, refused), (487, 31));
}

#[test]
fn chacha20_poly1305_seals_and_opens_as_it_should() {
    assert!(check::<ChaCha20Poly1305>(aead::TestName::ChaCha20Poly1305) > 300);
}

#[test]
fn aes_256_gcm_seals_and_opens_as_it_should() {
    assert!(check::<Aes256Gcm>(aead::TestName::AesGcm) > 60);
}

/// All vectors with keys of 256 bits, nonces of 96 and tags of 128; says how many.
fn check<A>(name: aead::TestName) -> usize
where
    A: AeadInOut + KeyInit,
{
    let set = aead::TestSet::load(name).unwrap();
    let ours = |group: &&aead::TestGroup| {
        (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128)
    };
    let mut count = 0;
    for test in set.test_groups.iter().filter(ours).flat_map(|group| &group.tests) {
        count += 1;
        let cipher = A::new_from_slice(&test.key).unwrap();
        let nonce = (&test.nonce[..]).try_into().unwrap();
        let tag = (&test.tag[..]).try_into().unwrap();
        let mut text = test.ct.to_vec();
        let opened = cipher.decrypt_inout_detached(nonce, &test.aad, (&mut text[..]).into(), tag);
        if test.result == TestResult::Invalid {
            assert!(opened.is_err(), "{}", test.tc_id);
            // What fails is left as ciphertext.
            assert_eq!(text, test.ct[..], "{}", test.tc_id);
            continue;
        }
        assert!(opened.is_ok(), "{}", test.tc_id);
        assert_eq!(text, test.pt[..], "{}", test.tc_id);
        let made = cipher.encrypt_inout_detached(nonce, &test.aad, (&mut text[..]).into()).unwrap();
        assert_eq!((&text[..], &made[..]), (&test.ct[..], &test.tag[..]), "{}", test.tc_id);
    }
    count
}
