#!/bin/bash
# One training a seed on a SLURM cluster, from the project's folder:
#   sbatch docs/team/slurm.sh model=gru
#SBATCH --job-name=ostinato
#SBATCH --array=1-3
#SBATCH --time=02:00:00
#SBATCH --cpus-per-task=2
#SBATCH --mem=8G
# shellcheck disable=SC1090,SC1091
set -euo pipefail
cd "${SLURM_SUBMIT_DIR:?run this with sbatch}"
. .venv/bin/activate
# a file of mode 600 that exports MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD
. ~/.ostinato-team
export OMP_NUM_THREADS="$SLURM_CPUS_PER_TASK"
ostinato run "seed=$SLURM_ARRAY_TASK_ID" "$@"
