"""Which kind of remedy ends an incident: what speaks for each, and that nothing is rolled back for having been near."""

import pytest

from analysis.remedy import PRIORS, Moved, Said, Trouble, news, weigh
from analysis.remedy_words import SIGNS


def best(*lines: str, moved: tuple[Moved, ...] = (), entries: frozenset[str] = frozenset()) -> str:
    said = tuple(Said("shop", line, at=-60.0 + n) for n, line in enumerate(lines))
    return weigh(Trouble(lines=said, moved=moved, entries=entries, services=frozenset({"shop", "stock"})))[
        0
    ].remedy


# Sentences as OpenSSL, Go, Java, PostgreSQL, MySQL, Kubernetes, kernels, clouds and payment clients write them.
SPOKEN = {
    "rotate-cert": (
        "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-01-01",
        "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired",
        "javax.net.ssl.SSLHandshakeException: PKIX path validation failed: java.security.cert.CertPathValidatorException",
        "Error: CERT_HAS_EXPIRED at TLSSocket.onConnectSecure",
        "remote error: tls: expired certificate",
        "WARN client certificate for svc-mesh expired 3 minutes ago",
        "curl: (60) SSL certificate problem: certificate has expired",
    ),
    "roll-forward": (
        'ERROR: column "tax_rate" of relation "orders" does not exist at character 41',
        "sqlite3.OperationalError: no such table: wishlist",
        "ERROR 1054 (42S22): Unknown column 'o.tax' in 'field list'",
        "Table 'shop.favourites' doesn't exist",
        "ORA-00942: table or view does not exist",
        "You have 2 pending migrations; schema version 41, expected 43",
        "FATAL: data directory was written by newer version 17, downgrade is not supported",
    ),
    "failover": (
        "botocore.exceptions.ClientError: An error occurred (ServiceUnavailable) when calling PutItem in us-west-2",
        "FATAL: primary db-0 unreachable for 30 s, replicas healthy",
        "kafka: LEADER NOT AVAILABLE, not enough in-sync replicas",
        "health check of zone eu-central-1b failing: connection timed out",
        "ERROR: cannot execute INSERT in a read-only transaction",
        "pq: connection to primary db-0 refused",
    ),
    "reschedule": (
        "Node ip-10-0-3-7 status is now: NodeNotReady",
        "The node was low on resource: ephemeral-storage. Pod evicted",
        "node worker-4 condition DiskPressure=True",
        "cpu steal at 41 % on host worker-9",
        "kernel: nf_conntrack: table full, dropping packet",
        "PLEG is not healthy: pleg was last seen active 3m ago",
        "EDAC MC0: 12 CE memory read error on DIMM_A1",
        "blk_update_request: I/O error, dev sdb, sector 18231",
    ),
    "escalate-upstream": (
        "POST https://api.cardpay.com/v1/charges failed: 503 Service Unavailable",
        "stripe.error.APIConnectionError: Unexpected error communicating with Stripe",
        "third-party geocoder timed out after 3000 ms",
        "payment provider returned error 502, status page reports an incident",
    ),
    "purge-bad-data": (
        "could not parse record at offset 18231: malformed payload; retrying the same message",
        "poison message in orders.dlq: invalid record, quantity negative",
        "worker stuck on message 4711: corrupt row in batch, redelivered 300 times",
    ),
    "config-revert": (
        "failed to load config: invalid value in settings.yaml line 4",
        "required environment variable DATABASE_URL is not set",
        "ConfigException: unknown option max_conn",
        "CrashLoopBackOff: failed to start: incompatible library version, requires libfoo >= 2",
    ),
    "rollback": (
        "NullPointerException at com.shop.Cart.total(Cart.java:31)",
        "TypeError: cannot read property 'id' of undefined",
        "pool exhausted: context deadline exceeded acquiring connection",
        "Killed process 812 (java): OOMKilled",
        "upstream stock returned 503",
        "jwt validation failed: token is expired",
        "net/http: TLS handshake timeout",
        "lock wait timeout exceeded; try restarting transaction",
        "dial tcp 10.0.0.7:5432: connect: connection refused",
        "no such host",
        "upstream api-gateway returned 503",
        "ERROR 1062: duplicate primary key, insert failed",
        "redis: cache eviction rate is high under memory pressure",
        "invalid request parameter: sku",
        "at github.com/acme/shop/cart.go:31 error: connection timed out",
        "java.io.IOException: broken pipe",
        "failed to process event_id=4711: no handler",
        "version_conflict_engine_exception: version conflict, document already exists",
    ),
}


@pytest.mark.parametrize(("remedy", "line"), [(name, line) for name, said in SPOKEN.items() for line in said])
def test_what_a_program_says_points_to_what_has_to_be_done(remedy: str, line: str) -> None:
    assert best(line) == remedy


def test_nothing_but_a_failure_is_most_often_ended_by_a_rollback() -> None:
    ranked = weigh(Trouble())
    assert ranked[0].remedy == "rollback"
    assert {advice.remedy for advice in ranked} == set(PRIORS)
    assert sum(advice.probability for advice in ranked) == pytest.approx(1.0, abs=0.01)


def test_a_release_that_was_merely_near_is_not_what_has_to_go() -> None:
    lines = (
        Said("shop", "INFO served 20 orders", -3000.0),
        Said("shop", "INFO starting shop v3.2", -130.0),
        Said("shop", "ERROR x509: certificate has expired", -60.0),
    )
    first, *others = weigh(Trouble(lines=lines, since=-3000.0))
    assert first.remedy == "rotate-cert"
    assert "certificate has expired" in first.evidence[0]
    [release] = [advice for advice in others if advice.remedy == "rollback"]
    assert "starting shop v3.2, 70 s before" in release.evidence[0]


def test_what_was_always_said_speaks_for_nothing() -> None:
    always = tuple(
        Said("shop", "WARN certificate has expired on the test listener", -60.0 * n) for n in range(60)
    )
    failing = Said("shop", "ERROR NullPointerException", -30.0)
    assert weigh(Trouble(lines=(*always, failing), since=-3600.0))[0].remedy == "rollback"
    assert news((*always, failing), -3600.0) == [failing]


def test_ordinary_words_of_good_service_speak_for_nothing() -> None:
    assert (
        best("INFO certificate expired on the old listener, replaced", "INFO region eu-west-1 failed over")
        == "rollback"
    )


def requests(service: str, times: float) -> Moved:
    return Moved(service, "http-requests-per-sec", 100.0, 100.0 * times, 40.0)


CPU = Moved("shop", "cpu-utilization", 0.3, 1.0, 30.0)


def test_a_surge_at_the_door_wants_room() -> None:
    assert (
        best("ERROR request timed out", moved=(requests("shop", 5.0), CPU), entries=frozenset({"shop"}))
        == "scale"
    )


def test_what_rises_behind_the_doors_alone_is_work_made_by_ourselves() -> None:
    moved = (requests("stock", 5.0), CPU)
    assert best("ERROR request timed out", moved=moved, entries=frozenset({"shop"})) == "rollback"


def test_more_errors_are_no_more_work() -> None:
    errors = Moved("shop", "http-5xx-requests-per-sec", 0.1, 90.0, 90.0)
    assert best("ERROR request timed out", moved=(errors, CPU)) == "rollback"


def test_a_flag_counts_for_more_where_it_names_what_fails() -> None:
    flag = Said("shop", "INFO feature flag async_tax enabled", -90.0)
    named = (flag, Said("shop", "ERROR tax lookup failed", -80.0))
    other = (flag, Said("shop", "ERROR login refused", -80.0))
    assert weigh(Trouble(lines=named))[0].remedy == "rollback"  # three letters say little
    named = (
        Said("shop", "INFO feature flag async_invoice enabled", -90.0),
        Said("shop", "ERROR invoice lookup", -80.0),
    )
    assert weigh(Trouble(lines=named))[0].remedy == "config-revert"
    assert weigh(Trouble(lines=other))[0].remedy == "rollback"


def test_each_sign_has_the_words_that_its_pattern_needs() -> None:
    """A word list that misses a line which the pattern matches would hide it."""
    for lines in SPOKEN.values():
        for line in lines:
            for sign in SIGNS:
                if sign.pattern.search(line.lower()):
                    assert any(word in line.lower() for word in sign.words), (sign.sentence, line)


def test_long_hostile_lines_are_read_in_no_time() -> None:
    hostile = ("certificate " * 4000, "us-east-" * 5000, "error " * 9000, "a." * 9000 + "com", "-" * 50000)
    assert weigh(Trouble(lines=tuple(Said("shop", line) for line in hostile)))


def test_what_is_said_again_and_again_counts_once_and_by_its_strongest_form() -> None:
    near, far = Said("shop", "INFO starting shop v2", -70.0), Said("shop", "INFO starting shop v1", -900.0)
    failing = Said("shop", "ERROR request refused", -60.0)

    def rollback(*lines: Said) -> float:
        return next(a.probability for a in weigh(Trouble(lines=(*lines, failing))) if a.remedy == "rollback")

    assert (
        rollback(near)
        == rollback(near, near, near)
        == rollback(far, near)
        == rollback(near, far)
        > rollback(far)
    )


def test_where_nobody_knows_the_doors_a_surge_raises_whatever_counts_requests() -> None:
    queries = Moved("stock", "queries-per-sec", 100.0, 700.0, 50.0)
    steady = Moved("shop", "http-requests-per-sec", 100.0, 103.0, 0.5)
    assert best("ERROR request timed out", moved=(queries, CPU)) == "scale"
    assert best("ERROR request timed out", moved=(queries, steady, CPU)) == "rollback", "each asks for more"


def test_the_name_of_a_metric_speaks_where_it_moved_and_says_nothing_where_it_did_not() -> None:
    def outside(spreads: float) -> float:
        errors = Moved("shop", "payment-provider-errors-5xx-ratio", 0.0, 0.4, spreads)
        ranked = weigh(Trouble(moved=(errors,)))
        return next(advice.probability for advice in ranked if advice.remedy == "escalate-upstream")

    assert outside(50.0) > 3 * outside(1.0)
