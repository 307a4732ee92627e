"""Known sentences that speak for one kind of remedy, as programs, kernels, clusters and clouds write them.

>>> [(sign.remedy, sign.sentence) for sign in spoken("x509: certificate has expired or is not yet valid")]
[('rotate-cert', 'a certificate is not valid any more')]
"""

import re
from collections.abc import Iterator

from msgspec import Struct

MOST_CHARS = 500  # of one line


class Sign(Struct, frozen=True):
    """A kind of sentence: `weight` is in log-odds, `sentence` what it tells people."""

    remedy: str
    weight: float
    sentence: str
    words: tuple[str, ...]  # one of them is in whatever the pattern matches: looking for words is far cheaper
    pattern: re.Pattern[str]


def _sign(remedy: str, weight: float, sentence: str, words: str, pattern: str) -> Sign:
    return Sign(remedy, weight, sentence, tuple(words.split("|")), re.compile(pattern))


# Digits may be masked by a star: `us-east-*`, `s*`, `returned *`.
_PLACE = (
    r"\b(?:us|eu|ap|ca|sa|me|af|il)-(?:gov-)?(?:north|south|east|west|central)[a-z]*-?[\d*]"
    r"|\bregion\b|availability[ -]?zones?|\bdata ?cent(?:er|re)\b|\b(?:zone|az)[ =:]"
)
_AWAY = r"(?:unavailable|timed? ?out|timeout|refused|unreachable|impair|degrad|outage|slow ?down|internalerror|down\b|\b5\*\*|\b5xx\b|\b5\d\d\b)"
_OUTSIDE = (
    r"(?:third[- ]part(?:y|ies)|\b(?:payment|identity|sms|e?mail|cloud|dns|upstream|external|shipping|geo\w*|card|bank|tax|weather|push)[ -](?:provider|vendor)"
    r"|\bvendors?\b|\bpartners?\b|\bexternal (?:api|service|gateway|dependency|endpoint))"
)
_TROUBLE = rf"(?:{_AWAY}|fail|error|exhausted)"

SIGNS = (
    _sign(
        "rotate-cert", 6.0, "a certificate is not valid any more",
        "cert|x509|pkix|notafter|ssl|tls",
        r"certificate\b.{0,60}\b(?:expired|not yet valid|revoked|invalid|verify failed|unknown)|(?:expired|revoked|invalid|outdated) (?:\w+ ){0,3}cert"
        r"|cert(?:ificate)?_(?:has_)?expired|certificate_verify_failed|certificate verify failed|x509:|pkix path|certpath"
        r"|notafter|cert\w*\W+(?:\w+\W+){0,4}(?:expir|days[ _-]?(?:left|remaining))|(?:bad|unknown|expired) certificate",
    ),
    _sign(
        "roll-forward", 5.0, "the database lacks what the program asks for: a migration is missing",
        "exist|no such|unknown column|undefined|migration|invalid object|schema|ora-|sqlstate|revision",
        r"(?:relation|table|column|view|sequence|type|schema|function)\b.{0,60}\bdoes(?: not|n't) exist|no such (?:table|column)"
        r"|unknown column|undefined ?(?:table|column)|invalid object name|ora-00(?:942|904)|sqlstate.{0,3}42(?:p01|703)"
        r"|(?:pending|missing|unapplied|failed|incomplete|partial\w*)[ _-](?:\w+ ){0,2}migration|migrations? (?:\w+ ){0,3}(?:pending|missing|failed|not (?:been )?(?:applied|run))"
        r"|schema version|can't locate revision|table .{0,60}doesn't exist",
    ),
    _sign(
        "roll-forward", 4.5, "what was written by the newer version cannot be read by the older: there is no way back",
        "newer|downgrad|irreversible|rollback|roll back|one-way|backward",
        r"(?:written|created|produced) by (?:a )?newer|(?:downgrad\w+|roll(?:ing)? ?back) (?:is )?(?:not (?:supported|possible|allowed)|unsupported|impossible|failed)"
        r"|cannot (?:downgrade|roll ?back)|irreversible migration|(?:version|format) is newer than|newer than (?:this|the) (?:binary|server|version|release)",
    ),
    _sign(
        "failover", 3.5, "a place of the cloud fails, a region or zone",
        "region|zone|az|data|us-|eu-|ap-|ca-|sa-",
        rf"(?:{_PLACE}).{{0,160}}{_AWAY}|{_AWAY}.{{0,160}}(?:{_PLACE})",
    ),
    _sign(
        "failover", 4.0, "the primary is gone while others could take over",
        "primary|master|leader|replica|standby|read-only|read only|quorum|split|failover",
        r"(?:primary|master)\b(?! (?:key|index|cause)).{0,40}(?:unreachable|unavailable|is down|not respond|lost|gone|failed|refused|timed? ?out|unhealthy|no heartbeat|demoted)"
        r"|(?:lost|no|cannot reach|can't reach) (?:connection to )?(?:the )?(?:primary|master|quorum)\b|read[- ]only (?:replica|transaction|mode|standby)"
        r"|no leader (?:for|elected|available)|leader not available|not enough (?:in-sync )?replicas|promot\w+ (?:the )?(?:replica|standby)|split[ -]brain|failover (?:failed|required|did not|not )",
    ),
    _sign(
        "reschedule", 4.5, "the machine beneath is ill",
        "node|kubelet|evict|pressure|conntrack|pleg|container runtime|steal|neighbo|hardware|ecc|edac|mce|nvme|taint|cordon|i/o error|hypervisor|host",
        r"node\b.{0,60}(?:not ?ready|unreachable|pressure|unhealthy|degraded|not respond|lost|down\b|throttl|tainted)|nodenotready|(?:disk|memory|pid)pressure"
        r"|kubelet (?:stopped|not|is|unhealthy)|\bpods?\b.{0,40}\bevict|\bevict\w* (?:the )?pod|\bsteal\b|noisy neighbo|conntrack|pleg is not|container runtime (?:is )?(?:not|down)|hardware (?:error|fault|failure)|\bedac\b|\becc error|\bmce:"
        r"|machine check|(?:nvme\d|dev/?[ ]?sd[a-z])\b.{0,40}(?:error|timeout|reset)|blk_update_request|buffer i/o error|hypervisor|host (?:degraded|impaired|maintenance)|scheduled for retirement",
    ),
    _sign(
        "escalate-upstream", 4.5, "somebody outside fails, whom we call",
        "third|provider|vendor|partner|external|upstream",
        rf"{_OUTSIDE}.{{0,120}}{_TROUBLE}|{_TROUBLE}.{{0,120}}{_OUTSIDE}|provider (?:incident|status|outage)",
    ),
    _sign(
        "escalate-upstream", 3.5, "a known vendor fails",
        "stripe|paypal|adyen|braintree|twilio|sendgrid|mailgun|okta|auth0|cloudflare|fastly|akamai|slack|openai|anthropic|plaid|salesforce|shopify|payment|sms|carrier|geocod|maps",
        rf"\b(?:stripe|paypal|adyen|braintree|twilio|sendgrid|mailgun|okta|auth0|cloudflare|fastly|akamai|slack|openai|anthropic|plaid|salesforce|shopify"
        rf"|payment (?:gateway|processor|network)|sms gateway|carrier|geocoding api|maps api)\b.{{0,120}}{_TROUBLE}",
    ),
    _sign(
        "purge-bad-data", 3.0, "one record is taken up again and again",
        "offset|redeliver|poison|same|stuck",
        r"same (?:offset|message|record|batch|event)|redeliver\w*|poison|stuck (?:at|on) (?:offset|message|record)|(?:offset|message|record)\b.{0,30}\bstuck|retr\w+ (?:the )?same",
    ),
    _sign(
        "purge-bad-data", 1.5, "it names one record", "id|dead|dlq|quarantin",
        r"(?:record|message|event|row|doc\w*)[_ ]?id[=: ]|dead[- _]?letter|\bdlq\b|quarantin\w+ (?:record|message|row)",
    ),
    _sign(
        "purge-bad-data", 2.5, "values are not what they may be",
        "valid|range|malformed|corrupt|unparse|nan|garbage|decode|encoding|bad data|bad record|bad row|constraint|negative",
        r"(?:record|row|message|event|payload|batch|entry|document|data|feed|value|field)\b.{0,60}(?:validation|out of range|malformed|corrupt|unparse?able|garbage|is nan\b|negative|invalid)"
        r"|(?:malformed|corrupt(?:ed)?|garbage|invalid|bad) (?:\w+ )?(?:record|row|message|event|batch|entry|document|data|value|feed)\b|out of range",
    ),
    _sign(
        "rollback", 1.5, "so fails a program that is wrong",
        "retr|null|nil|undefined|error|exception|range|deadlock|leak|oom|heap|field|deserial|token|mapping|syntax|pool exhausted|thundering",
        r"nullpointer|null pointer|nil pointer|undefined is not|(?:type|key|attribute|name|index|value|assertion|reference|syntax|import)error\b|index out of (?:range|bounds)|classcast|illegalstate|illegalargument"
        r"|unhandled (?:exception|rejection)|stack overflow|deadlock|memory leak|oomkilled|out of memory|heap space|missing required field|deseriali[sz]|unexpected (?:token|field)|unknown field|no mapping found|syntax error|pool exhausted|retry storm|retrying|thundering herd",
    ),
    _sign(
        "config-revert", 3.0, "it names its configuration as what is wrong",
        "config|setting|environment|env|flag|yaml|toml|option|helm|secret|parameter",
        r"(?:invalid|bad|unknown|missing|malformed|wrong|unsupported|misconfigured|could not (?:parse|load|read)|failed to (?:parse|load|read|validate)|cannot (?:parse|load|read)|error (?:in|parsing|loading))"
        r" (?:\w+ ){0,4}(?:config\w*|settings?|environment|env var\w*|flag|yaml|toml|option|secret|values?\.yaml)\b|misconfigur|config(?:uration)?(?: \w+){0,2}\W{1,3}(?:error|invalid|exception|missing|mismatch|not found)"
        r"|environment variable.{0,40}(?:not set|missing|empty|undefined|required)|configexception|(?:config\w*|setting|flag|option|parameter)\b.{0,40}(?:is invalid|not (?:set|valid|recogni[sz]ed|allowed)|must be|out of bounds|unrecogni[sz]ed)",
    ),
    _sign(
        "config-revert", 1.5, "its parts do not fit together",
        "version|incompatib|duplicate reg|symbol|linkage|nosuchmethod|abi|requires|conflict",
        r"version (?:conflict|mismatch|skew|is too old|is not supported)|incompatible (?:\w+ ){0,3}(?:version|runtime|library|abi)|duplicate registration|undefined symbol|nosuchmethoderror|unsatisfiedlink"
        r"|(?:library|dependency|package|module) (?:\w+ ){0,2}(?:conflict|version)|requires \S+ ?(?:[<>=]=?|version)|abi (?:version|mismatch)",
    ),
    _sign(
        "config-revert", 2.5, "it may not do what it may do at other times",
        "denied|permi|authori|forbidden|credential|password|policy|firewall|secret",
        r"access ?denied|permission denied|not (?:authorized|permitted) to|password authentication failed|invalid (?:credentials|api key|access key)|(?:denied|blocked|dropped) by (?:\w+ )?(?:policy|firewall|rule)"
        r"|no policy allows|secret.{0,40}not found|forbidden by",
    ),
    _sign(
        "scale", 3.0, "there is no room for more of it",
        "schedul|insufficient|replicas|quota",
        r"failedscheduling|insufficient (?:cpu|memory|pods)|(?:reached|at) (?:its )?max(?:imum)? (?:replicas|instances)|max(?:imum)? replicas (?:reached|hit)",
    ),
    _sign(
        "scale", 2.0, "more is asked of it than it can do",
        "overload|saturat|capacity|shed|autoscal|replica|queue|throttl|insufficient|backpressure|concurren",
        r"overload|saturat|(?:at|over|out of|beyond|insufficient|max\w*) capacity|capacity (?:exceeded|reached|limit)|shedding load|load shed|autoscal|max(?:imum)? replicas|pods? pending"
        r"|queue (?:is )?(?:full|depth|length|overflow)|request queued|insufficient (?:cpu|memory)|backpressure|concurrency limit|elevated (?:request|traffic)|traffic (?:surge|spike)|surge",
    ),
)  # fmt: skip
_SPACES = re.compile(r"\s+")


def spoken(line: str) -> Iterator[Sign]:
    """The kinds of sentence that this line is one of."""
    lowered = _SPACES.sub(" ", line[:MOST_CHARS].lower())
    for sign in SIGNS:
        if any(map(lowered.__contains__, sign.words)) and sign.pattern.search(lowered):
            yield sign
