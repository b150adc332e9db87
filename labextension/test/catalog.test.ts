import assert from 'node:assert/strict';
import { test } from 'node:test';

import { choicesOf, filterModels, resolve } from '../src/catalog';
import { catalog } from './samples';

const { models } = catalog();
const [small, large] = models;
assert(small && large);

test('a name stands for a model wherever it is soonest', () => {
  const choice = resolve(models, 'llama');
  assert.equal(choice?.value, 'meta-llama/Llama-3.3-70B-Instruct');
  assert.equal(choice?.offer?.cluster, 'polaris');
});

test('a name with a cluster stands for that cluster', () => {
  const choice = resolve(models, 'llama@sophia');
  assert.equal(choice?.value, 'meta-llama/Llama-3.3-70B-Instruct@sophia');
  assert.equal(choice?.offer?.cluster, 'sophia');
  assert(choice?.pinned);
});

test('a cluster that does not have the model leaves the choice without an offer', () => {
  assert.equal(resolve(models, 'smollm2@sophia')?.offer, null);
});

test('an unknown name stands for nothing', () => {
  assert.equal(resolve(models, 'gpt'), null);
  assert.equal(resolve(models, '@sophia'), null);
});

test('a model with one cluster is one choice, with two it is three', () => {
  assert.deepEqual(
    choicesOf(small).map(choice => choice.value),
    ['HuggingFaceTB/SmolLM2-135M-Instruct']
  );
  assert.deepEqual(
    choicesOf(large).map(choice => choice.value),
    [
      'meta-llama/Llama-3.3-70B-Instruct',
      'meta-llama/Llama-3.3-70B-Instruct@polaris',
      'meta-llama/Llama-3.3-70B-Instruct@sophia'
    ]
  );
});

for (const [text, found] of [
  ['', [small, large]],
  ['SMOL', [small]],
  ['queued', [large]],
  ['vllm llama', [large]],
  ['hot sophia', []]
] as const) {
  test(`the filter “${text}” finds ${found.length}`, () => {
    assert.deepEqual(filterModels(models, text), found);
  });
}
