//! The system that a rehearsal speaks to: addresses, and the centre's keys.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    path::Path,
};

use device_wire::{
    CentreKeys, VerifyingKey,
    keys::{parse_public, read_public},
};
use load_tests::http::Api;
use serde::Deserialize;

/// Where devices connect.
#[derive(Debug, PartialEq, Eq)]
pub struct Broker {
    /// Whether over TLS.
    pub secure: bool,
    /// Name in the server's certificate.
    pub host: String,
    /// Where that is.
    pub address: SocketAddr,
}

/// Reads `mqtt://host:port` or `mqtts://host:port`.
///
/// # Errors
/// What is wrong with it.
pub fn broker(url: &str) -> Result<Broker, String> {
    let (secure, rest, port) = match (url.strip_prefix("mqtts://"), url.strip_prefix("mqtt://")) {
        (Some(rest), _) => (true, rest, 8883),
        (None, Some(rest)) => (false, rest, 1883),
        (None, None) => return Err(format!("--broker: {url} is not mqtts://host:port or mqtt://host:port")),
    };
    let (host, address) = resolve(rest, port).map_err(|what| format!("--broker: {what}"))?;
    Ok(Broker { secure, host, address })
}

/// Reads `http://host:port`.
///
/// # Errors
/// What is wrong with it.
pub fn http(url: &str) -> Result<SocketAddr, String> {
    let Some(rest) = url.strip_prefix("http://") else {
        return Err(format!(
            "--url: {url} is not http://host:port; where a proxy ends TLS, give the service's own address behind it"
        ));
    };
    let rest = rest.trim_end_matches('/');
    resolve(rest, 80).map(|(_, address)| address).map_err(|what| format!("--url: {what}"))
}

fn resolve(text: &str, port: u16) -> Result<(String, SocketAddr), String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, digits)) if !digits.ends_with(']') => {
            (host, digits.parse().map_err(|_| format!("{digits} is no port"))?)
        }
        _ => (text, port),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let found = (host, port).to_socket_addrs().map_err(|why| format!("{host}: {why}"))?.next();
    Ok((host.to_owned(), found.ok_or_else(|| format!("{host} has no address"))?))
}

#[derive(Deserialize)]
struct Described {
    centre_keys: Vec<CentreKey>,
}

#[derive(Deserialize)]
struct CentreKey {
    kid: String,
    public_key: String,
}

/// The centre's keys: as the platform publishes them, and with bundles only if the bundles' own is among them.
///
/// # Errors
/// When nobody says what they are, or the bundles are of another centre.
pub async fn centre_keys(
    http: Option<SocketAddr>,
    election: &str,
    bundles: Option<&Path>,
) -> Result<CentreKeys, String> {
    let own =
        bundles.map(|dir| read_public(&dir.join("centre.pub")).map_err(|why| why.to_string())).transpose()?;
    let Some(address) = http else {
        let own = own.ok_or("give --url or --bundles: receipts are verified with the centre's key")?;
        return Ok(CentreKeys::one("centre", own));
    };
    let path = format!("/api/v1/elections/{election}?keys=false");
    let told: Described = Api::new(address).get(&path).await.map_err(|why| why.to_string())?;
    let keys: Vec<(String, VerifyingKey)> = told
        .centre_keys
        .into_iter()
        .map(|key| parse_public(&key.public_key).map(|public| (key.kid, public)))
        .collect::<Result<_, _>>()
        .map_err(|why| format!("http://{address}{path}: centre_keys: {why}"))?;
    if own.is_some_and(|own| keys.iter().all(|(_, key)| *key != own)) {
        return Err(format!("http://{address} is run with another centre's key than the bundles have"));
    }
    Ok(keys.iter().map(|(kid, key)| (kid.as_str(), *key)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_operators_write_them() {
        let read = broker("mqtts://localhost:18883").unwrap();
        assert_eq!((read.secure, read.host.as_str(), read.address.port()), (true, "localhost", 18_883));
        assert_eq!(broker("mqtt://127.0.0.1").unwrap().address.to_string(), "127.0.0.1:1883");
        assert_eq!(broker("mqtt://[::1]:1884").unwrap().address.to_string(), "[::1]:1884");
        assert_eq!(http("http://127.0.0.1:8080/").unwrap().to_string(), "127.0.0.1:8080");
        for (wrong, why) in [("tcp://127.0.0.1", "is not mqtts://"), ("mqtt://127.0.0.1:x", "is no port")] {
            assert!(broker(wrong).unwrap_err().contains(why), "{wrong}");
        }
        assert!(http("https://centre.example").unwrap_err().contains("behind it"));
    }
}
