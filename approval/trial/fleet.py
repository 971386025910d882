"""The minions of the believable month, and the packages that they could get."""

import hashlib

# Group: its title, its share of all minions in a thousand, and the form of its names.
GROUPS = {
    "shops": ("Tills in the shops", 550, "till-{place:03}-{number}"),
    "web": ("Web servers", 90, "web-fra-{number:03}"),
    "applications": ("Application servers", 150, "app-fra-{number:03}"),
    "databases": ("Databases", 45, "db-ams-{number:03}"),
    "build": ("Build machines", 25, "build-{number:02}"),
    "office": ("Desks in the offices", 140, "desk-ams-{number:04}"),
}
TILLS = 5  # of a shop
TEST_SHOP = "test-shop"
VERSIONS = {
    "bash": ["5.2.15-2+b7"],
    "chromium": ["141.0.7390.54-1~deb12u1", "142.0.7444.59-1~deb12u1", "142.0.7444.162-1~deb12u1"],
    "cups": ["2.4.2-3+deb12u8", "2.4.2-3+deb12u9"],
    "curl": ["7.88.1-10+deb12u12", "7.88.1-10+deb12u14"],
    "docker.io": ["20.10.24+dfsg1-1+deb12u1"],
    "git": ["1:2.39.5-0+deb12u2"],
    "haproxy": ["2.6.12-1+deb12u2", "2.6.12-1+deb12u3"],
    "htop": ["3.2.2-2"],
    "jq": ["1.6-2.1", "1.6-2.1+deb12u1"],
    "libxml2": ["2.9.14+dfsg-1.3~deb12u2", "2.9.14+dfsg-1.3~deb12u4"],
    "linux-image-amd64": ["6.1.148-1", "6.1.153-1", "6.1.158-1"],
    "nginx": ["1.22.1-9+deb12u2", "1.22.1-9+deb12u3"],
    "openjdk-17-jre-headless": ["17.0.16+8-1~deb12u1", "17.0.17+10-1~deb12u1"],
    "openssh-server": ["1:9.2p1-2+deb12u6", "1:9.2p1-2+deb12u7"],
    "openssl": ["3.0.16-1~deb12u1", "3.0.17-1~deb12u2", "3.0.17-1~deb12u3"],
    "postgresql-15": ["15.13-0+deb12u1", "15.14-0+deb12u1", "15.15-0+deb12u1"],
    "prometheus-node-exporter": ["1.5.0-1+b6"],
    "python3.11": ["3.11.2-6+deb12u6"],
    "redis-server": ["5:7.0.15-1~deb12u5", "5:7.0.15-1~deb12u6"],
    "rsync": ["3.2.7-1+deb12u2"],
    "shop-display": ["4.11.0", "4.12.0", "4.12.1"],
    "strace": ["6.1-0.1"],
    "sudo": ["1.9.13p3-1+deb12u1", "1.9.13p3-1+deb12u2"],
    "till-app": ["7.4.2", "7.5.0", "7.5.1"],
    "tmux": ["3.3a-3"],
    "tzdata": ["2025b-0+deb12u1", "2025b-0+deb12u2"],
    "vim": ["2:9.0.1378-2+deb12u2"],
    "wireguard-tools": ["1.0.20210914-1+b1"],
}
CATALOG = """
WITH known AS (
    INSERT INTO approval.catalog
        (sources, system, release, is_complete, content, is_apart, collected_at, seen_at, agreed_at)
    VALUES (%(digest)s, 'Debian', 'Debian 12 amd64', true, %(digest)s, false, now(), now(), now())
    RETURNING catalog_id
), members AS (
    INSERT INTO approval.catalog_member (minion_id, catalog_id, is_proven, seen_at)
    SELECT m.minion_id, k.catalog_id, true, now() FROM approval.minion AS m CROSS JOIN known AS k
)
SELECT approval.put_versions(k.catalog_id, %(names)s, %(versions)s, now()) FROM known AS k
"""


def groups(size):
    """{group: the ids of its minions} of ``size`` minions, each in one group; the test shop's are in two."""
    found = {}
    for group, (_, share, form) in GROUPS.items():
        count = max(TILLS, size * share // 1000)
        found[group] = [form.format(place=n // TILLS + 1, number=n % TILLS + 1) for n in range(count)]
        if "{place" not in form:
            found[group] = [form.format(number=n + 1) for n in range(count)]
    found[TEST_SHOP] = found["shops"][:TILLS]
    return found


def titles():
    """{group: its title}."""
    return {group: title for group, (title, _, _) in GROUPS.items()} | {TEST_SHOP: "The shop in the headquarters"}


def put_catalog(conn):
    """Have the inventory know these packages, as all minions had told them."""
    pairs = [(name, version) for name, versions in VERSIONS.items() for version in versions]
    names, versions = (list(column) for column in zip(*pairs, strict=True))
    digest = hashlib.sha256(repr(pairs).encode()).hexdigest()
    conn.execute(CATALOG, {"digest": digest, "names": names, "versions": versions})
