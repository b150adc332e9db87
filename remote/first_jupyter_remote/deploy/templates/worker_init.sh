export FIRST_JOB_BEGAN=$(date +%s)
export FIRST_JOB_ENDS="${SLURM_JOB_END_TIME:-$(( $(date +%s) + {{ wall * 60 }} ))}"
# There while a node agent is at work; a name that nobody can guess.
export FIRST_BUSY=$(mktemp -u "${TMPDIR:-/tmp}/first-jupyter-XXXXXXXXXX")

# Runs the worker's manager, and passes on SIGTERM, which announces the job's end and may be sent to this shell alone. The node agent
# has to hear it; the manager must not, because it sends the node agent's last answer.
first_job() {
  trap first_job_ends TERM
  (trap '' TERM; exec "$@@") &
  wait $!
}

first_job_ends() {
  trap '' TERM
  # A node agent that comes now is sent away: this job waits for one that is at work, and for no other.
  : >"$FIRST_BUSY.ends"
  kill -TERM 0
  while [ -e "$FIRST_BUSY" ]; do sleep 0.2; done
  # The last answer is on its way.
  sleep 1
  rm -f "$FIRST_BUSY.ends"
  kill -KILL 0
}
