//! Prints so many answers of a passkey with ES256, a line each for COPY: challenge in hexadecimal, answer. The public
//! key as a COSE_Key and the seconds that a bare verification takes go to standard error. The passkey has no counter.

use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};

type Error = Box<dyn std::error::Error>;

const ORIGIN: &str = "https://login.example.com";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn main() -> Result<(), Error> {
    let mut words = std::env::args().skip(1);
    let (Some(answers), Some(user)) = (words.next(), words.next()) else {
        return Err("usage: auth_store_bench_passkey ANSWERS USER_ID".into());
    };
    let handle: String = user.chars().filter(|c| *c != '-').collect();
    let handle: Vec<u8> = (0..32)
        .step_by(2)
        .map(|at| u8::from_str_radix(handle.get(at..at + 2).unwrap_or_default(), 16))
        .collect::<Result<_, _>>()?;
    let random = SystemRandom::new();
    let unspecified = |_| "ring failed";
    let pkcs8 =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(unspecified)?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random)
        .map_err(|error| error.to_string())?;
    let public = pair.public_key().as_ref();
    let (x, y) = public.get(1..).unwrap_or_default().split_at(32);
    let cose = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..], x, &[0x22, 0x58, 32], y].concat();
    let id = digest(&SHA256, public);
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let data = [digest(&SHA256, b"example.com").as_ref(), &[5, 0, 0, 0, 0]].concat();
    let mut signed = Vec::new();
    for _ in 0..answers.parse::<u32>()? {
        let mut challenge = [0; 32];
        random.fill(&mut challenge).map_err(unspecified)?;
        let client = format!(
            r#"{{"type":"webauthn.get","challenge":"{}","origin":"{ORIGIN}","crossOrigin":false}}"#,
            text(&challenge)
        );
        let message = [&data, digest(&SHA256, client.as_bytes()).as_ref()].concat();
        let signature = pair.sign(&random, &message).map_err(unspecified)?.as_ref().to_vec();
        print!("{}\t", hex(&challenge));
        println!(
            r#"{{"id":"{id}","rawId":"{id}","type":"public-key","clientExtensionResults":{{}},"response":{{"clientDataJSON":"{}","authenticatorData":"{}","signature":"{}","userHandle":"{}"}}}}"#,
            text(client.as_bytes()),
            text(&data),
            text(&signature),
            text(&handle),
            id = text(id.as_ref()),
        );
        signed.push((message, signature));
    }
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public);
    // Ten at a time, of which the quickest ten count: others use the machine too.
    let mut seconds = f64::INFINITY;
    for ten in signed.chunks_exact(10) {
        #[allow(clippy::disallowed_methods)] // a benchmark measures
        let began = Instant::now();
        for (message, signature) in ten {
            key.verify(message, signature).map_err(|_| "not signed")?;
        }
        seconds = seconds.min(began.elapsed().as_secs_f64() / 10.0);
    }
    eprintln!("{} {} {seconds:.9}", hex(id.as_ref()), hex(&cose));
    Ok(())
}
