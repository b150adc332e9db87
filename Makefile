# The targets only name things; .ci/ says how, in plain bash.

.PHONY: lab test fuzz demo-slurm demo-federation demo-firewall demo-batch chaos soak check format lock clean

lab: ## everything from nothing, then JupyterLab on the quickstart notebook
	@.ci/lab $(LAB_ARGS)

test: ## all checks and all tests, in a browser too
	@.ci/test

fuzz: ## looks for input that breaks a promise, for about 8 minutes, and says how much was tried
	@.ci/fuzz

demo-slurm: ## from nothing to an answer by a model in a Slurm job, each stage timed; then the job is cancelled
	@.ci/demo-slurm $(DEMO_ARGS)

demo-federation: ## one model on three clusters under load, while a node dies, a server hangs and one goes offline
	@.ci/demo-federation $(DEMO_ARGS)

demo-firewall: ## the same question over each way to a node, with what a firewall lets through
	@.ci/demo-firewall $(DEMO_ARGS)

demo-batch: ## 10,000 prompts over two clusters, while a replica and the Jupyter server are killed, and it is cancelled
	@.ci/demo-batch $(DEMO_ARGS)

chaos: ## everything is killed or stopped at random moments under 200 streams, for 10 minutes (DURATION=600)
	@.ci/chaos $(CHAOS_ARGS)

soak: ## an hour at a moderate load while parts fail, and whether anything grew (DURATION=3600)
	@.ci/soak $(SOAK_ARGS)

check: ## lint and types alone
	@.ci/setup
	@.ci/check

format: ## put the code into its usual shape
	@.ci/format

lock: ## pin the newest versions of everything
	@.ci/lock --upgrade

clean: ## remove what was built and installed here
	rm -rf .venv .make dist build labextension/node_modules labextension/lib labextension/lib-test \
	  first_jupyter/labextension tests/browser/node_modules tests/browser/shots
