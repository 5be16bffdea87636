//! Rust's jsonwebtoken as its documentation uses it: the key of the kid from a JWK set, and a `Validation`, behind the
//! line protocol (docs/protocol.md). A program of its own; it must never import Touchstone.

use std::io::{self, BufRead, Write};
use std::str::FromStr;

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{decode, decode_header, Algorithm, DecodingKey, Validation};
use serde_json::{json, Map, Value};

/// Whether an algorithm is of the key's family: a `Validation` may hold those of one family alone.
fn fits(jwk: &Jwk, alg: Algorithm) -> bool {
    use Algorithm::*;
    match jwk.algorithm {
        AlgorithmParameters::RSA(_) => matches!(alg, RS256 | RS384 | RS512 | PS256 | PS384 | PS512),
        AlgorithmParameters::EllipticCurve(_) => matches!(alg, ES256 | ES384),
        AlgorithmParameters::OctetKeyPair(_) => matches!(alg, EdDSA),
        AlgorithmParameters::OctetKey(_) => false,
    }
}

/// Returns the claims of a true token, or why there are none.
fn verify(token: &str, record: &Value) -> Result<Map<String, Value>, String> {
    let said = |error: jsonwebtoken::errors::Error| error.to_string();
    let set: JwkSet = serde_json::from_value(record["jwks"].clone()).map_err(|error| error.to_string())?;
    let kid = decode_header(token).map_err(said)?.kid.ok_or("the token has no kid")?;
    let jwk = set.find(&kid).ok_or("no key has this kid")?;
    let key = DecodingKey::from_jwk(jwk).map_err(said)?;
    let mut validation = Validation::default();
    let names = record["algorithms"].as_array().cloned().unwrap_or_default();
    validation.algorithms = names.iter().filter_map(|name| Algorithm::from_str(name.as_str()?).ok()).filter(|alg| fits(jwk, *alg)).collect();
    validation.set_audience(&[record["audience"].as_str().unwrap_or_default()]);
    validation.set_issuer(&[record["issuer"].as_str().unwrap_or_default()]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.validate_nbf = true;
    validation.leeway = record["leeway_s"].as_u64().unwrap_or_default();
    decode::<Map<String, Value>>(token, &key, &validation).map(|read| read.claims).map_err(said)
}

fn authenticate(request: &Value, record: &Option<Value>) -> Value {
    let Some(record) = record else {
        return json!({"verdict": "reject", "reason": "issuer"});
    };
    // What is no text is no token for a function that takes a &str.
    let Some(token) = request["token"].as_str() else {
        return json!({"verdict": "reject", "reason": "malformed"});
    };
    match verify(token, record) {
        Err(why) => json!({"verdict": "reject", "detail": why.chars().take(500).collect::<String>()}),
        Ok(claims) => {
            let names = ["iss", "sub", record["custom_claim"].as_str().unwrap_or("sub")];
            let named: Map<String, Value> =
                names.iter().filter_map(|name| Some((name.to_string(), claims.get(*name)?.clone()))).collect();
            json!({"verdict": "accept", "claims": named})
        }
    }
}

fn onboard(request: &Value, record: &mut Option<Value>) -> Value {
    let wanted = &request["integration"];
    if record.as_ref().map_or(false, |known| known["id"] != wanted["id"]) {
        return json!({"verdict": "unsupported", "capability": "several_integrations"});
    }
    *record = Some(wanted.clone());
    json!({"verdict": "onboarded"})
}

fn answer(request: &Value, record: &mut Option<Value>) -> Value {
    match request["cmd"].as_str().unwrap_or_default() {
        "start" => json!({
            "ok": true, "name": "jsonwebtoken (Rust)", "language": "rust",
            "version": std::env::var("JSONWEBTOKEN_VERSION").unwrap_or_default(),
        }),
        "onboard" => onboard(request, record),
        "authenticate" => authenticate(request, record),
        "reset" => {
            *record = None;
            json!({"ok": true})
        }
        "offboard" => {
            if record.as_ref().map_or(false, |known| known["id"] == request["id"]) {
                *record = None;
            }
            json!({"ok": true})
        }
        _ => json!({"ok": true}),
    }
}

fn main() -> io::Result<()> {
    let mut record: Option<Value> = None;
    for line in io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let mut reply = answer(&request, &mut record);
        reply["seq"] = request["seq"].clone();
        writeln!(io::stdout(), "{reply}")?;
        if request["cmd"] == "stop" {
            break;
        }
    }
    Ok(())
}
