"""Keys, certificates and the encryption of bootstrap data, with the libcrypto that Python has loaded for TLS anyway.

To start `openssl` for each of two dozen keys would take longer than all the rest of a start, in a guest without KVM.
"""
import base64
import calendar
import ctypes
import hashlib
import ipaddress
import os
import time

_lib = ctypes.CDLL("libcrypto.so.3")
_p, _i, _s = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
for _name, _result, _arguments in [
    ("EVP_PKEY_Q_keygen", _p, None), ("EVP_PKEY_free", None, [_p]), ("BIO_new", _p, [_p]), ("BIO_s_mem", _p, []),
    ("BIO_new_mem_buf", _p, [ctypes.c_char_p, _i]), ("BIO_free", _i, [_p]), ("BIO_read", _i, [_p, _p, _i]),
    ("PEM_write_bio_PrivateKey_traditional", _i, [_p, _p, _p, _p, _i, _p, _p]), ("PEM_read_bio_PrivateKey", _p, [_p, _p, _p, _p]),
    ("i2d_PUBKEY", _i, [_p, _p]), ("EVP_MD_CTX_new", _p, []), ("EVP_MD_CTX_free", None, [_p]), ("EVP_sha256", _p, []),
    ("EVP_DigestSignInit", _i, [_p, _p, _p, _p, _p]), ("EVP_DigestSign", _i, [_p, _p, _p, ctypes.c_char_p, _s]),
    ("EVP_CIPHER_CTX_new", _p, []), ("EVP_CIPHER_CTX_free", None, [_p]), ("EVP_aes_256_gcm", _p, []),
    ("EVP_CipherInit_ex", _i, [_p, _p, _p, ctypes.c_char_p, ctypes.c_char_p, _i]),
    ("EVP_CipherUpdate", _i, [_p, _p, _p, ctypes.c_char_p, _i]), ("EVP_CipherFinal_ex", _i, [_p, _p, _p]),
    ("EVP_CIPHER_CTX_ctrl", _i, [_p, _i, _i, _p]),
]:
    _function = getattr(_lib, _name)
    _function.restype = _result
    if _arguments is not None:
        _function.argtypes = _arguments


class Key:
    """An ECDSA key on P-256."""

    def __init__(self, pem=None):
        if pem is None:
            self.handle = _lib.EVP_PKEY_Q_keygen(None, None, ctypes.c_char_p(b"EC"), ctypes.c_char_p(b"P-256"))
        else:
            bio = _lib.BIO_new_mem_buf(pem, len(pem))
            self.handle = _lib.PEM_read_bio_PrivateKey(bio, None, None, None)
            _lib.BIO_free(bio)
        if not self.handle:
            raise ValueError("not a private key")

    def __del__(self):
        if self.handle:
            _lib.EVP_PKEY_free(self.handle)

    def pem(self):
        bio = _lib.BIO_new(_lib.BIO_s_mem())
        _lib.PEM_write_bio_PrivateKey_traditional(bio, self.handle, None, None, 0, None, None)
        buffer = ctypes.create_string_buffer(4096)
        count = _lib.BIO_read(bio, buffer, 4096)
        _lib.BIO_free(bio)
        return buffer.raw[:count]

    def public(self):
        """The SubjectPublicKeyInfo in DER."""
        buffer = ctypes.create_string_buffer(_lib.i2d_PUBKEY(self.handle, None))
        place = ctypes.c_void_p(ctypes.addressof(buffer))
        _lib.i2d_PUBKEY(self.handle, ctypes.byref(place))
        return buffer.raw

    def sign(self, data):
        context = _lib.EVP_MD_CTX_new()
        _lib.EVP_DigestSignInit(context, None, _lib.EVP_sha256(), None, self.handle)
        buffer, length = ctypes.create_string_buffer(128), ctypes.c_size_t(128)
        done = _lib.EVP_DigestSign(context, buffer, ctypes.byref(length), data, len(data))
        _lib.EVP_MD_CTX_free(context)
        if done != 1:
            raise ValueError("signing failed")
        return buffer.raw[:length.value]


# -- DER -------------------------------------------------------------------------------------------------------------------------------

def _der(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        head = bytes([size])
    else:
        count = (size.bit_length() + 7) // 8
        head = bytes([0x80 | count]) + size.to_bytes(count, "big")
    return bytes([tag]) + head + body


def _oid(text):
    numbers = [int(n) for n in text.split(".")]
    out = [numbers[0] * 40 + numbers[1]]
    for number in numbers[2:]:
        group = [number & 0x7F]
        while number > 0x7F:
            number >>= 7
            group.insert(0, 0x80 | number & 0x7F)
        out += group
    return _der(6, bytes(out))


def _integer(number):
    return _der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _name(common_name, organizations=()):
    parts = [("2.5.4.10", text) for text in organizations] + [("2.5.4.3", common_name)]
    return _der(0x30, *[_der(0x31, _der(0x30, _oid(oid), _der(0x0C, text.encode()))) for oid, text in parts])


def _time(seconds):
    return _der(0x17, time.strftime("%y%m%d%H%M%SZ", time.gmtime(seconds)).encode())


def _children(data):
    """The (tag, content, whole) of each element in a run of DER."""
    out, at = [], 0
    while at < len(data):
        start, tag, size = at, data[at], data[at + 1]
        at += 2
        if size & 0x80:
            count = size & 0x7F
            size = int.from_bytes(data[at:at + count], "big")
            at += count
        out.append((tag, data[at:at + size], data[start:at + size]))
        at += size
    return out


_ECDSA = _der(0x30, _oid("1.2.840.10045.4.3.2"))
_EKU = {"server": "1.3.6.1.5.5.7.3.1", "client": "1.3.6.1.5.5.7.3.2"}


def pem(kind, der):
    text = base64.b64encode(der).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return ("-----BEGIN %s-----\n%s\n-----END %s-----\n" % (kind, "\n".join(lines), kind)).encode()


def unpem(data):
    """The DER of the first PEM block."""
    lines = data.decode().split("-----BEGIN ", 1)[1].split("-----END ", 1)[0].split("\n")[1:]
    return base64.b64decode("".join(lines))


class Certificate:
    """What is read from a certificate, or from a certificate request (then without times)."""

    def __init__(self, der):
        body = _children(_children(der)[0][1])
        fields = _children(body[0][1])
        if fields[0][0] == 0xA0:
            self.issuer, times, self.subject, self.public = fields[3][2], fields[4][1], fields[5][2], fields[6][2]
            self.not_before, self.not_after = [
                # From the year 2050 on the year has four digits.
                calendar.timegm(time.strptime(text.decode(), "%y%m%d%H%M%SZ" if tag == 0x17 else "%Y%m%d%H%M%SZ"))
                for tag, text, _ in _children(times)]
        else:
            self.subject, self.public = fields[1][2], fields[2][2]
        self.common_name, self.organizations = "", []
        for _, group, _ in _children(_children(self.subject)[0][1]):
            (_, oid, _), (_, text, _) = _children(_children(group)[0][1])
            if oid == b"\x55\x04\x03":
                self.common_name = text.decode()
            elif oid == b"\x55\x04\x0a":
                self.organizations.append(text.decode())


def request(key, common_name, organizations=()):
    """A certificate request in DER."""
    body = _der(0x30, _integer(0), _name(common_name, organizations), key.public(), _der(0xA0))
    return _der(0x30, body, _ECDSA, _der(3, b"\0", key.sign(body)))


def certificate(signer, issuer, public, common_name, organizations=(), usages=(), names=(), is_ca=False, days=365):
    """A certificate in DER. `issuer` is the signer's Certificate, nil for one that signs itself. Valid from an hour ago, never before its CA."""
    now = int(time.time())
    before = now - 3600 if issuer is not None else now
    if issuer is not None:
        before = max(before, issuer.not_before)
    usage = b"\x05\xa0" if usages else b"\x02\xa4"
    extensions = [_der(0x30, _oid("2.5.29.15"), b"\x01\x01\xff", _der(4, _der(3, usage)))]
    if usages:
        extensions.append(_der(0x30, _oid("2.5.29.37"), _der(4, _der(0x30, *[_oid(_EKU[u]) for u in usages]))))
    if is_ca:
        extensions.append(_der(0x30, _oid("2.5.29.19"), b"\x01\x01\xff", _der(4, _der(0x30, b"\x01\x01\xff"))))
    identifier = hashlib.sha1(public).digest()
    if is_ca:
        extensions.append(_der(0x30, _oid("2.5.29.14"), _der(4, _der(4, identifier))))
    if names:
        entries = []
        for text in names:
            try:
                entries.append(_der(0x87, ipaddress.ip_address(text).packed))
            except ValueError:
                entries.append(_der(0x82, text.encode()))
        extensions.append(_der(0x30, _oid("2.5.29.17"), _der(4, _der(0x30, *entries))))
    subject = _name(common_name, organizations)
    body = _der(
        0x30, b"\xa0\x03\x02\x01\x02", _integer(int.from_bytes(os.urandom(8), "big") >> 1), _ECDSA,
        issuer.subject if issuer is not None else subject, _der(0x30, _time(before), _time(now + days * 86400)), subject, public,
        _der(0xA3, _der(0x30, *extensions)))
    return _der(0x30, body, _ECDSA, _der(3, b"\0", signer.sign(body)))


# -- Bootstrap data --------------------------------------------------------------------------------------------------------------------

def _gcm(key, nonce, data, tag):
    context, length = _lib.EVP_CIPHER_CTX_new(), ctypes.c_int(0)
    encrypting = 1 if tag is None else 0
    out = ctypes.create_string_buffer(len(data) + 16)
    _lib.EVP_CipherInit_ex(context, _lib.EVP_aes_256_gcm(), None, key, nonce, encrypting)
    _lib.EVP_CipherUpdate(context, out, ctypes.byref(length), data, len(data))
    result = out.raw[:length.value]
    if encrypting:
        _lib.EVP_CipherFinal_ex(context, out, ctypes.byref(length))
        buffer = ctypes.create_string_buffer(16)
        _lib.EVP_CIPHER_CTX_ctrl(context, 0x10, 16, buffer)
        result += buffer.raw
        done = 1
    else:
        _lib.EVP_CIPHER_CTX_ctrl(context, 0x11, 16, ctypes.create_string_buffer(tag, 16))
        done = _lib.EVP_CipherFinal_ex(context, out, ctypes.byref(length))
    _lib.EVP_CIPHER_CTX_free(context)
    if done != 1:
        raise ValueError("cipher: message authentication failed")
    return result


def encrypt(password, data):
    """8 random bytes as hex, a colon, base64 of nonce and AES-256-GCM; the key is PBKDF2-SHA1 of the password with that hex text as salt."""
    salt = os.urandom(8).hex()
    nonce = os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha1", password.encode(), salt.encode(), 4096, 32)
    return (salt + ":" + base64.b64encode(nonce + _gcm(key, nonce, data, None)).decode()).encode()


def decrypt(password, text):
    salt, _, body = text.decode().partition(":")
    data = base64.b64decode(body)
    key = hashlib.pbkdf2_hmac("sha1", password.encode(), salt.encode(), 4096, 32)
    return _gcm(key, data[:12], data[12:-16], data[-16:])
