// A small federation: one model on two clusters, one on this machine alone; and nobody logged in.

import type { TranslationBundle } from '@jupyterlab/translation';

import type { ICatalog, ILease, IOffer } from '../src/api';
import type { ILogin } from '../src/loginApi';

const fill = (text: string, args: unknown[]): string =>
  text.replace(/%(\d)/g, (_, index) => String(args[Number(index) - 1]));

/** English, as it stands in the code. */
export const trans = {
  __: (text: string, ...args: unknown[]) => fill(text, args),
  _n: (one: string, many: string, count: number) =>
    fill(count === 1 ? one : many, [count])
} as TranslationBundle;

export function offer(changes: Partial<IOffer> = {}): IOffer {
  return {
    cluster: 'local',
    kind: 'local',
    backend: 'llama.cpp',
    state: 'hot',
    stage: 'ready',
    reason: '',
    progress: null,
    eta: null,
    replicas: 1,
    running: 0,
    waiting: 0,
    leases: [],
    stages: [],
    startable: true,
    unstoppable: '',
    ...changes
  };
}

export const lease = (changes: Partial<ILease> = {}): ILease => ({
  replica: 'smollm2-1f2e3d',
  stage: 'ready',
  node: null,
  job: null,
  since: null,
  held_until: null,
  expires: null,
  job_ends: null,
  follows: null,
  path: 'direct',
  ...changes
});

export function catalog(): ICatalog {
  return {
    current: 'smollm2',
    models: [
      {
        id: 'HuggingFaceTB/SmolLM2-135M-Instruct',
        aliases: ['smollm2'],
        abilities: ['chat', 'completions'],
        context: 2048,
        clusters: [offer()]
      },
      {
        id: 'meta-llama/Llama-3.3-70B-Instruct',
        aliases: ['llama'],
        abilities: ['chat'],
        context: 131072,
        clusters: [
          offer({ cluster: 'sophia', backend: 'vllm', state: 'cold' }),
          offer({ cluster: 'polaris', backend: 'vllm', state: 'queued' })
        ]
      }
    ]
  };
}

export const login = (changes: Partial<ILogin> = {}): ILogin => ({
  state: 'logged_out',
  sentence: 'Not logged in with Globus.',
  username: null,
  services: [],
  ends: null,
  ends_soon: false,
  service_account: false,
  pending: null,
  ways: ['paste'],
  asks: [],
  offers: [],
  ...changes
});
