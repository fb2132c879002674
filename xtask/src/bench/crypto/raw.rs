//! The library alone: the same keys, algorithms and messages as over HTTP, with a thread for each core and nothing in between.

use super::super::BenchError;
use super::super::load::Window;
use super::primitive::{Primitive, message};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    ML_DSA_65_SIGNING, PqdsaKeyPair, RSA_PKCS1_SHA256,
};
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// Calls a second, over all threads.
pub fn rate(primitive: Primitive, window: Window) -> Result<f64, BenchError> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let ready = Barrier::new(threads);
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| rate_of_one(primitive, window, &ready))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| BenchError::ThreadLost)?).sum()
    })
}

/// Each thread has a key of its own, so that none waits for another.
fn rate_of_one(primitive: Primitive, window: Window, ready: &Barrier) -> Result<f64, BenchError> {
    let made = calls_of(primitive);
    ready.wait();
    let mut call = made.map_err(refused)?;
    let mut number = 0;
    let mut call_for = |time: Duration| -> Result<f64, BenchError> {
        let (began, before) = (Instant::now(), number);
        while began.elapsed() < time {
            call(&message(number)).map_err(refused)?;
            number += 1;
        }
        Ok((number - before) as f64 / began.elapsed().as_secs_f64())
    };
    call_for(window.warm_up)?;
    call_for(window.measured)
}

type Call = Box<dyn FnMut(&[u8]) -> Result<(), Unspecified>>;

/// The primitive with a new key.
fn calls_of(primitive: Primitive) -> Result<Call, Unspecified> {
    match primitive {
        Primitive::Rsa2048Pair => Ok(Box::new(|_| {
            let encoded: Pkcs8V1Der<'_> = KeyPair::generate(KeySize::Rsa2048)?.as_der()?;
            black_box(encoded);
            Ok(())
        })),
        Primitive::Rsa2048Sign => sign_with_rsa(KeySize::Rsa2048),
        Primitive::Rsa4096Sign => sign_with_rsa(KeySize::Rsa4096),
        Primitive::P256Sign => sign_with_ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
        Primitive::P384Sign => sign_with_ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING),
        Primitive::MlDsa65Sign => {
            let pair = PqdsaKeyPair::generate(&ML_DSA_65_SIGNING)?;
            let mut signature = vec![0; ML_DSA_65_SIGNING.signature_len()];
            Ok(Box::new(move |message| pair.sign(message, black_box(&mut signature)).map(drop)))
        }
    }
}

fn sign_with_rsa(size: KeySize) -> Result<Call, Unspecified> {
    let (pair, random) = (KeyPair::generate(size)?, SystemRandom::new());
    let mut signature = vec![0; pair.public_modulus_len()];
    Ok(Box::new(move |message| pair.sign(&RSA_PKCS1_SHA256, &random, message, black_box(&mut signature))))
}

fn sign_with_ecdsa(algorithm: &'static EcdsaSigningAlgorithm) -> Result<Call, Unspecified> {
    let (pair, random) = (EcdsaKeyPair::generate(algorithm)?, SystemRandom::new());
    Ok(Box::new(move |message| pair.sign(&random, message).map(black_box).map(|_| ())))
}

fn refused(_: Unspecified) -> BenchError {
    BenchError::Module("the library refused".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_primitive_can_be_called_and_is_counted() {
        let window = Window { warm_up: Duration::ZERO, measured: Duration::from_millis(1) };
        for primitive in Primitive::ALL {
            assert!(rate(primitive, window).unwrap() > 0.0, "{primitive:?}");
        }
    }
}
