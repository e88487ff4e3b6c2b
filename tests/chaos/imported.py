"""All that a start of `ostinato` imports: the fork server of `starting` loads it once.

An import that starts a thread would make forking unsafe, so that none may (jemalloc's own knows of
forks).
"""

import importlib
import pkgutil
from pathlib import Path

import ostinato

LATE = (  # what the program and its libraries import only when they first need it
    "git",
    "hydra.main",
    "hydra._internal.instantiate._instantiate2",
    "hydra.core.override_parser.overrides_parser",
    "hydra._internal.hydra",
    "hydra_plugins.hydra_joblib_launcher.joblib_launcher",
    "hydra_plugins.hydra_optuna_sweeper.optuna_sweeper",
    "joblib.externals.loky",
    "matplotlib.backends.backend_agg",
    "mlflow.store.artifact.local_artifact_repo",
    "mlflow.store.db.utils",
    "mlflow.store.tracking.sqlalchemy_workspace_store",
    "mlflow.system_metrics.system_metrics_monitor",
    "mlflow.tracing.export",
    "mlflow.tracking.context.registry",
    "muspy",
    "omegaconf.grammar_parser",
    "pandas",
    "pyarrow.dataset",
    "pytorch_lightning.loggers",
    "soundfile",
    "sqlalchemy.dialects.sqlite",
)

for name in LATE:
    importlib.import_module(name)
for module in pkgutil.walk_packages(ostinato.__path__, "ostinato."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
threads = [file.read_text().strip() for file in Path("/proc/self/task").glob("*/comm")]
assert [name for name in threads if name != "jemalloc_bg_thd"] == threads[:1], threads
