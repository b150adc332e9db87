import assert from 'node:assert/strict';
import { test } from 'node:test';

import { resolve } from '../src/catalog';
import { choiceName, duration, stateText, tooltip } from '../src/words';
import { catalog, offer, trans } from './samples';

for (const [seconds, said] of [
  [0.2, '1 s'],
  [3, '3 s'],
  [89, '89 s'],
  [200, '3 min'],
  [7300, '2 h']
] as const) {
  test(`${seconds} seconds are said as ${said}`, () => {
    assert.equal(duration(seconds), said);
  });
}

const loading = offer({ state: 'starting', progress: 0.4, eta: 5 });

for (const [given, ago, said] of [
  [offer(), 0, 'hot'],
  [loading, 0, 'starting 40 % · 5 s'],
  [loading, 2.5, 'starting 40 % · 3 s'],
  [loading, 9, 'starting 40 %'],
  [offer({ state: 'queued', eta: 600 }), 0, 'queued · 10 min'],
  [offer({ state: 'cold', eta: 5 }), 0, 'cold']
] as const) {
  test(`${given.state} ${ago} s ago reads “${said}”`, () => {
    assert.equal(stateText(given, ago, trans), said);
  });
}

test('a pinned choice names its cluster', () => {
  const { models } = catalog();
  const pinned = resolve(models, 'llama@sophia');
  const free = resolve(models, 'llama');
  assert(pinned && free);
  assert.equal(choiceName(pinned), 'Llama-3.3-70B-Instruct@sophia');
  assert.equal(choiceName(free), 'Llama-3.3-70B-Instruct');
});

test('the tooltip says where, why and who waits', () => {
  const { models } = catalog();
  models[0]?.clusters.splice(0, 1, {
    ...loading,
    reason: 'loading the weights',
    waiting: 1
  });
  const choice = resolve(models, 'smollm2');
  assert(choice);
  assert.deepEqual(tooltip(choice, 0, trans).split('\n').slice(0, -1), [
    'HuggingFaceTB/SmolLM2-135M-Instruct',
    'starting 40 % · 5 s on local (llama.cpp)',
    'loading the weights',
    '1 request waits for it'
  ]);
});
