//! The table `[auth]`: who is welcome, and what each may do.

use super::Loaded;
use super::values::Time;
use crate::forms::{Text, one_or_many};
use crate::rights;
use fluxar::transport::Fingerprint;
use fluxar::{
    AllowList, AuthAttempt, Authenticator, Code, Credential, Identity, JwtAuth, PublicKey, Rights,
    SealPublicKey, Status,
};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor, value};
use std::collections::BTreeMap;
use std::fmt;

/// Credentials by kind.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Auth {
    token: Vec<Token>,
    key: Vec<Key>,
    certificate: Vec<Certificate>,
    seal_key: Vec<Sealing>,
    jwt: Option<Jwt>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    name: String,
    token: Secret,
    rights: Grant,
}

/// A text that debug output does not show.
#[derive(Deserialize)]
struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    name: Option<String>,
    public_key: Text<PublicKey>,
    rights: Grant,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Certificate {
    name: Option<String>,
    /// A DNS name or URI that the certificate is valid for.
    valid_for: Option<String>,
    fingerprint: Option<Text<Fingerprint>>,
    /// Every certificate of `client_ca`.
    #[serde(default)]
    any: bool,
    rights: Grant,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealing {
    name: Option<String>,
    fingerprint: Text<SealPublicKey>,
    rights: Grant,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwt {
    audience: String,
    issuer: Option<String>,
    life_max: Option<Time>,
    #[serde(default)]
    eddsa: Vec<Text<PublicKey>>,
    #[serde(default)]
    hs256: Vec<Secret>,
    /// What every token gives.
    #[serde(default)]
    rights: Grant,
    /// What a word in its `scope` gives beside that.
    #[serde(default)]
    scope: BTreeMap<String, Grant>,
}

/// Rights: `"all"`, `"none"`, or patterns by action.
#[derive(Clone, Debug, Default)]
struct Grant {
    /// Action and pattern.
    list: Vec<(&'static str, String)>,
}

impl Grant {
    fn add_to(&self, rights: Rights) -> Rights {
        self.list.iter().fold(rights, |rights, (action, pattern)| {
            rights::add(rights, action, pattern).expect("it was checked when it was read")
        })
    }

    fn rights(&self) -> Rights {
        self.add_to(Rights::none())
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ByAction {
    #[serde(deserialize_with = "one_or_many")]
    call: Vec<String>,
    #[serde(deserialize_with = "one_or_many")]
    serve: Vec<String>,
    #[serde(deserialize_with = "one_or_many")]
    publish: Vec<String>,
    #[serde(deserialize_with = "one_or_many")]
    subscribe: Vec<String>,
}

impl<'de> Deserialize<'de> for Grant {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Grants;
        impl<'de> Visitor<'de> for Grants {
            type Value = Grant;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"all\", \"none\", or a table such as { call = [\"llm.>\"] }")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Grant, E> {
                match text {
                    "all" => {
                        let all = |action| (action, ">".to_owned());
                        Ok(Grant { list: rights::ACTIONS.map(all).to_vec() })
                    }
                    "none" => Ok(Grant::default()),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Grant, A::Error> {
                let by = ByAction::deserialize(value::MapAccessDeserializer::new(map))?;
                let lists = [by.call, by.serve, by.publish, by.subscribe];
                let mut list = Vec::new();
                for (action, patterns) in rights::ACTIONS.into_iter().zip(lists) {
                    for pattern in patterns {
                        rights::add(Rights::none(), action, &pattern).map_err(A::Error::custom)?;
                        list.push((action, pattern));
                    }
                }
                Ok(Grant { list })
            }
        }
        from.deserialize_any(Grants)
    }
}

/// What the rest of the file asks of those who come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asks {
    pub(super) certificates: bool,
    pub(super) seals: bool,
}

/// Judges those who come, by the lists of a file.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    list: AllowList,
    jwt: Option<JwtAuth>,
}

impl Guard {
    /// By a list alone.
    pub(crate) fn of(list: AllowList) -> Self {
        Self { list, jwt: None }
    }

    /// Nobody is asked for anything where there is no table, and no certificate is asked for.
    ///
    /// # Errors
    /// What makes no sense in the table.
    pub(super) fn new(
        auth: Option<&Auth>,
        asks: Asks,
        file: &Loaded,
    ) -> Result<Option<Self>, String> {
        let none = Auth::default();
        if auth.is_none() && !asks.certificates {
            return Ok(None);
        }
        let auth = auth.unwrap_or(&none);
        if !asks.certificates && !auth.certificate.is_empty() {
            let text = "auth.certificate: nobody is asked for one: name tls.client_ca";
            return Err(text.to_owned());
        }
        if !asks.seals && !auth.seal_key.is_empty() {
            return Err("auth.seal_key: sessions are not sealed: add the table seal".to_owned());
        }
        if auth.is_empty() {
            let text = "auth: nobody could come in: add auth.token, auth.key, auth.jwt, \
                        auth.seal_key beside seal, or auth.certificate beside tls.client_ca";
            return Err(text.to_owned());
        }
        let list = auth.list(file)?;
        let jwt = auth.jwt.as_ref().map(|jwt| jwt.authenticator(file)).transpose()?;
        Ok(Some(Self { list, jwt }))
    }

    /// As an authenticator.
    pub(crate) fn authenticator(self) -> impl Authenticator {
        move |attempt: AuthAttempt| {
            let guard = self.clone();
            async move { guard.judge(attempt).await }
        }
    }

    async fn judge(&self, attempt: AuthAttempt) -> Result<Identity, Status> {
        let is_bearer = matches!(attempt.credential, Credential::Bearer(_));
        match (self.list.authenticate(attempt.clone()).await, &self.jwt) {
            (Err(refused), Some(jwt)) if is_bearer && refused.code() == Code::Unauthenticated => {
                jwt.authenticate(attempt).await
            }
            (outcome, _) => outcome,
        }
    }
}

impl Auth {
    fn is_empty(&self) -> bool {
        let lists = [self.token.len(), self.key.len(), self.certificate.len(), self.seal_key.len()];
        lists == [0; 4] && self.jwt.is_none()
    }

    fn list(&self, file: &Loaded) -> Result<AllowList, String> {
        let mut list = AllowList::new();
        for Token { name, token, rights } in &self.token {
            let at = |error| format!("auth.token `{name}`: {error}");
            let secret = file.secret(&token.0).map_err(at)?;
            if secret.is_empty() {
                return Err(at("an empty token is none".to_owned()));
            }
            list = list.token(&secret, Identity::new(name, rights.rights()));
        }
        for Key { name, public_key, rights } in &self.key {
            let name = name.clone().unwrap_or_else(|| public_key.0.to_string());
            list = list.key(public_key.0, Identity::new(name, rights.rights()));
        }
        for Sealing { name, fingerprint, rights } in &self.seal_key {
            let name = name.clone().unwrap_or_else(|| fingerprint.0.to_string());
            list = list.seal_key(fingerprint.0, Identity::new(name, rights.rights()));
        }
        for certificate in &self.certificate {
            list = certificate.add_to(list)?;
        }
        Ok(list)
    }
}

impl Certificate {
    fn add_to(&self, list: AllowList) -> Result<AllowList, String> {
        let rights = self.rights.rights();
        let called = |known: &str| self.name.clone().unwrap_or_else(|| known.to_owned());
        match (&self.valid_for, &self.fingerprint, self.any) {
            (Some(name), None, false) => {
                Ok(list.certificate_name(name, Identity::new(called(name), rights)))
            }
            (None, Some(print), false) => {
                let name = called(&print.0.to_string());
                Ok(list.certificate(print.0, Identity::new(name, rights)))
            }
            (None, None, true) if self.name.is_none() => {
                // Each is called by its own subject.
                Ok(list.any_certificate(Identity::new("certificate", rights)))
            }
            (None, None, true) => Err("auth.certificate: one with any = true is called by the \
                                       certificate's subject: leave out name"
                .to_owned()),
            _ => Err("auth.certificate: say which: valid_for, fingerprint or any = true, one of \
                      them"
                .to_owned()),
        }
    }
}

impl Jwt {
    fn authenticator(&self, file: &Loaded) -> Result<JwtAuth, String> {
        if self.eddsa.is_empty() && self.hs256.is_empty() {
            return Err("auth.jwt: no key: name eddsa or hs256".to_owned());
        }
        let mut jwt = JwtAuth::new(&self.audience);
        if let Some(issuer) = &self.issuer {
            jwt = jwt.issuer(issuer);
        }
        if let Some(Time(life)) = self.life_max {
            jwt = jwt.life_max(life);
        }
        for key in &self.eddsa {
            jwt = jwt.eddsa(key.0);
        }
        for Secret(text) in &self.hs256 {
            let at = |error: String| format!("auth.jwt.hs256: {error}");
            let secret = file.secret(text).map_err(at)?;
            jwt = jwt.hs256(secret.as_bytes()).map_err(|error| at(error.to_owned()))?;
        }
        let (base, scopes) = (self.rights.rights(), self.scope.clone());
        Ok(jwt.rights(move |claims| {
            let granted = claims.scope.iter().filter_map(|word| scopes.get(word));
            granted.fold(base.clone(), |rights, grant| grant.add_to(rights))
        }))
    }
}
