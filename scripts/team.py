"""Which agents there are, in the order in which they start: eyes last, so that nobody misses what they see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from agents.act_gate import ActGate
from agents.adaptive_recovery import AdaptiveRecovery
from agents.agent import Agent, AgentRestarter
from agents.anomaly_detector import AnomalyDetector
from agents.application_recovery import ApplicationRecovery
from agents.canary import Canary
from agents.chaos_controller import ChaosController
from agents.data_recovery import DataRecovery
from agents.infrastructure_recovery import InfrastructureRecovery
from agents.intelligent_fix_selector import IntelligentFixSelector
from agents.llm_adviser import LlmAdviser
from agents.ml_failure_predictor import MlFailurePredictor
from agents.model_monitor import ModelMonitor
from agents.model_recovery import ModelRecovery
from agents.notifier import Notifier
from agents.performance_learner import PerformanceLearner
from agents.predictive_maintenance import PredictiveMaintenance
from agents.rca_engine import RcaEngine
from agents.render_prevention_agent import RenderPreventionAgent
from agents.render_self_healing_agent import RenderSelfHealingAgent
from agents.service_monitor import ServiceMonitor
from agents.system_optimizer import SystemOptimizer
from config.world import World
from platforms.chaos.fault import Ground
from scripts.hands import Hands

Build = Callable[[], Agent]
Tell = Callable[[str], None]
MAKERS: Mapping[str, Callable[[World, Hands, Tell, AgentRestarter], Agent]] = {
    "notifier": lambda world, hands, tell, *_: Notifier(world, tell, hands.contacts),
    "render_self_healing_agent": lambda world, *_: RenderSelfHealingAgent(world),
    "rca_engine": lambda world, *_: RcaEngine(world),
    "intelligent_fix_selector": lambda world, *_: IntelligentFixSelector(world),
    "act_gate": lambda world, *_: ActGate(world),
    "anomaly_detector": lambda world, hands, *_: AnomalyDetector(world, hands.workers),
    "ml_failure_predictor": lambda world, hands, *_: MlFailurePredictor(world, hands.workers),
    "predictive_maintenance": lambda world, *_: PredictiveMaintenance(world),
    "render_prevention_agent": lambda world, *_: RenderPreventionAgent(world),
    "application_recovery": lambda world, hands, _, agents: ApplicationRecovery(
        world, hands.platform, hands.prober, hands.files, agents
    ),
    "data_recovery": lambda world, hands, *_: DataRecovery(
        world, hands.platform, hands.files, hands.prober, hands.databases
    ),
    "infrastructure_recovery": lambda world, hands, *_: InfrastructureRecovery(
        world, hands.platform, hands.reach, hands.prober
    ),
    "model_recovery": lambda world, hands, *_: ModelRecovery(world, hands.models),
    "llm_adviser": lambda world, hands, *_: LlmAdviser(world, hands.language_model),
    "adaptive_recovery": lambda world, *_: AdaptiveRecovery(world),
    "performance_learner": lambda world, hands, *_: PerformanceLearner(world, hands.disk, hands.offload),
    "system_optimizer": lambda world, *_: SystemOptimizer(world),
    "canary": lambda *_: Canary(),
    "chaos_controller": lambda world, hands, *_: ChaosController(
        world,
        Ground(
            hands.platform,
            world.state_dir / "chaos",
            boots=hands.boots,
            insides=hands.insides,
            ill=hands.ill,
        ),
    ),
    "model_monitor": lambda world, hands, *_: ModelMonitor(world, hands.models),
    "service_monitor": lambda world, hands, *_: ServiceMonitor(
        world, hands.platform, hands.prober, hands.scraper, hands.files
    ),
}
OPTIONAL = frozenset(
    {
        "adaptive_recovery",
        "performance_learner",
        "system_optimizer",
        "canary",
        "anomaly_detector",
        "ml_failure_predictor",
        "chaos_controller",
        "llm_adviser",
        "predictive_maintenance",
        "render_prevention_agent",
        "model_monitor",
        "notifier",
    }
)
HEALERS = frozenset(  # no fix can be for one of those through whom every fix comes
    {"render_self_healing_agent", "rca_engine", "intelligent_fix_selector", "act_gate", "application_recovery",
     "service_monitor"}
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    name: str
    build: Build
    optional: bool = False  # its failures never use up the restarts of those who heal


def team(world: World, hands: Hands, tell: Tell, agents: AgentRestarter) -> list[Member]:
    """Everyone. Each `build` makes a fresh object for each start."""
    return [
        Member(name, partial(make, world, hands, tell, agents), name in OPTIONAL)
        for name, make in MAKERS.items()
    ]
