# python3 check-report.py SERVER ELECTION PRECINCT OFFSET: did this report's device sign it? No error: it did.
import json, sys, urllib.request, cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
server, election, precinct, offset = sys.argv[1:]
get = lambda path: urllib.request.urlopen(f"{server}/api/v1/elections/{election}{path}").read()
protected, _, payload, signature = cbor2.loads(get(f"/precincts/{precinct}/reports/{offset}.cose")).value
device = cbor2.loads(protected)[4].decode()
topic = f"sanak/1/{election}/{precinct}/{device}/report".encode()
[key] = [each["public_key"] for each in json.loads(get(""))["devices"] if each["id"] == device]
signed = cbor2.dumps(["Signature1", protected, topic, payload])
Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, signed)
print(device, "signed", cbor2.loads(payload))
