//! Handshakes with `snow` at the other end: every pattern, cipher, place of a pre-shared key and
//! role, with random keys and payloads of every size.

use fluxar::engine::wire::seal::{
    Cipher, Handshake, KEY_BYTES, MESSAGE_BYTES_MAX, Pattern, SealError, Setup, TAG_BYTES,
};
use proptest::prelude::*;
use snow::{Builder, HandshakeState, TransportState};

/// What one handshake is made of.
#[derive(Clone, Debug)]
struct Case {
    pattern: Pattern,
    psk: Option<u8>,
    cipher: Cipher,
    we_initiate: bool,
    secrets: [[u8; KEY_BYTES]; 5],
    prologue: Vec<u8>,
    payloads: Vec<Vec<u8>>,
}

fn cases() -> impl Strategy<Value = Case> {
    let pattern = prop_oneof![Just(Pattern::Xx), Just(Pattern::Ik), Just(Pattern::Nk)];
    let cipher = prop_oneof![Just(Cipher::ChaChaPoly), Just(Cipher::AesGcm)];
    let size = prop_oneof![4 => 0_usize..300, 1 => 0_usize..65_300];
    let payload = size.prop_flat_map(|size| proptest::collection::vec(any::<u8>(), size));
    (
        pattern,
        proptest::option::of(0_u8..4),
        cipher,
        any::<bool>(),
        any::<[[u8; KEY_BYTES]; 5]>(),
        proptest::collection::vec(any::<u8>(), 0..100),
        proptest::collection::vec(payload, 7),
    )
        .prop_map(|(pattern, psk, cipher, we_initiate, secrets, prologue, payloads)| {
            // There is no third message in the shorter ones.
            let psk = psk.filter(|place| *place < 3 || pattern == Pattern::Xx);
            Case { pattern, psk, cipher, we_initiate, secrets, prologue, payloads }
        })
}

fn public(secret: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
    fluxar::engine::wire::seal::SealKey::from_bytes(secret).public().to_bytes()
}

impl Case {
    fn ours(&self) -> Handshake {
        let [own, own_ephemeral, other, _, psk] = &self.secrets;
        let has_static = self.pattern.is_mutual() || !self.we_initiate;
        let knows_remote = self.pattern.is_pinned() && self.we_initiate;
        Handshake::new(&Setup {
            pattern: self.pattern,
            cipher: self.cipher,
            initiator: self.we_initiate,
            prologue: &self.prologue,
            static_secret: has_static.then_some(own),
            ephemeral_secret: own_ephemeral,
            remote_static: knows_remote.then(|| public(other)),
            psk: self.psk.map(|place| (place, psk)),
        })
        .unwrap()
    }

    fn theirs(&self) -> HandshakeState {
        let [own, _, other, other_ephemeral, psk] = &self.secrets;
        let psk_name = self.psk.map_or_else(String::new, |place| format!("psk{place}"));
        let (pattern, cipher) = (self.pattern.name(), self.cipher.name());
        let name = format!("Noise_{pattern}{psk_name}_25519_{cipher}_SHA256");
        let public = public(own);
        let mut builder = Builder::new(name.parse().unwrap())
            .prologue(&self.prologue)
            .unwrap()
            .fixed_ephemeral_key_for_testing_only(other_ephemeral);
        if self.pattern.is_mutual() || self.we_initiate {
            builder = builder.local_private_key(other).unwrap();
        }
        if self.pattern.is_pinned() && !self.we_initiate {
            builder = builder.remote_public_key(&public).unwrap();
        }
        if let Some(place) = self.psk {
            builder = builder.psk(place, psk).unwrap();
        }
        let built =
            if self.we_initiate { builder.build_responder() } else { builder.build_initiator() };
        built.unwrap()
    }
}

fn check(case: &Case) {
    let (mut ours, mut theirs) = (case.ours(), case.theirs());
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    let mut turn_is_ours = case.we_initiate;
    for payload in &case.payloads {
        if ours.is_finished() {
            break;
        }
        if turn_is_ours {
            let mut message = Vec::new();
            ours.write(payload, &mut message).unwrap();
            let len = theirs.read_message(&message, &mut buffer).unwrap();
            assert_eq!(&buffer[..len], payload);
        } else {
            let len = theirs.write_message(payload, &mut buffer).unwrap();
            assert_eq!(ours.read(&buffer[..len]).as_ref(), Ok(payload));
        }
        turn_is_ours = !turn_is_ours;
    }
    assert!(ours.is_finished() && theirs.is_handshake_finished());
    assert_eq!(ours.remote_static().as_ref().map(|key| &key[..]), theirs_static(case).as_deref());
    let hash = theirs.get_handshake_hash().to_vec();
    let keys = ours.split().unwrap();
    assert_eq!(keys.hash[..], hash);
    transport(case, keys, &mut theirs.into_transport_mode().unwrap());
}

/// What `snow` has shown us, if the pattern shows it.
fn theirs_static(case: &Case) -> Option<Vec<u8>> {
    let shows = case.we_initiate || case.pattern.is_mutual();
    shows.then(|| public(&case.secrets[2]).to_vec())
}

fn transport(case: &Case, mut keys: fluxar::engine::wire::seal::Keys, theirs: &mut TransportState) {
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    for (number, payload) in case.payloads.iter().enumerate() {
        let mut record = payload.clone();
        keys.send.encrypt(&[], &mut record, 0).unwrap();
        let len = theirs.read_message(&record, &mut buffer).unwrap();
        assert_eq!(&buffer[..len], payload);

        let len = theirs.write_message(payload, &mut buffer).unwrap();
        let mut forged = buffer[..len].to_vec();
        forged[number % len] ^= 0x10;
        assert_eq!(keys.receive.decrypt(&[], &mut forged), Err(SealError::Forged));
        let mut record = buffer[..len].to_vec();
        assert_eq!(keys.receive.decrypt(&[], &mut record), Ok(payload.len()));
        assert_eq!(&record[..len - TAG_BYTES], payload);
        if number % 3 == 0 {
            keys.send.rekey();
            theirs.rekey_incoming();
        }
        if number % 3 == 1 {
            keys.receive.rekey();
            theirs.rekey_outgoing();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn snow_understands_us_and_we_it(case in cases()) {
        check(&case);
    }
}

#[test]
fn every_suite_is_tried_in_both_roles() {
    for pattern in [Pattern::Xx, Pattern::Ik, Pattern::Nk] {
        for psk in [None, Some(0), Some(1), Some(2), Some(3)] {
            if psk == Some(3) && pattern != Pattern::Xx {
                continue;
            }
            for cipher in [Cipher::ChaChaPoly, Cipher::AesGcm] {
                for we_initiate in [true, false] {
                    let payloads = [0, 1, 15, 16, 17, 1000, 65_300].map(|len| vec![7; len]);
                    check(&Case {
                        pattern,
                        psk,
                        cipher,
                        we_initiate,
                        secrets: [[1; 32], [2; 32], [3; 32], [4; 32], [5; 32]],
                        prologue: b"prologue".to_vec(),
                        payloads: payloads.to_vec(),
                    });
                }
            }
        }
    }
}
