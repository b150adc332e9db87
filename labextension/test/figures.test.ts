import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bars, count, nodeHours, seconds } from '../src/panel/figures';
import type { IDay } from '../src/usageApi';
import { trans } from './samples';

const day = (changes: Partial<IDay>): IDay => ({
  day: '2026-11-27',
  requests: 0,
  failed: 0,
  prompt_tokens: 0,
  completion_tokens: 0,
  node_hours: null,
  ...changes
});

for (const [said, expected] of [
  [count(940), '940'],
  [count(12_345), '12.3K'],
  [count(1_200_000), '1.2M'],
  [seconds(0.42), '0.42 s'],
  [seconds(8.14), '8.1 s'],
  [seconds(150), '3 min'],
  [seconds(null), '–'],
  [nodeHours(0.84), '0.8'],
  [nodeHours(21.4), '21'],
  [nodeHours(undefined), '–']
]) {
  test(`a figure reads ${expected}`, () => {
    assert.equal(said, expected);
  });
}

test('the day with most requests has the tallest bar', () => {
  const given = [
    day({}),
    day({ requests: 10, failed: 5 }),
    day({ requests: 5 })
  ];
  assert.deepEqual(
    bars(given, trans).map(({ height, failed }) => [height, failed]),
    [
      [0, 0],
      [1, 0.5],
      [0.5, 0]
    ]
  );
  assert.equal(
    bars(given, trans)[1]?.text,
    '2026-11-27: 10 requests, 5 failed'
  );
});

test('days without a request have no bars', () => {
  assert.deepEqual(
    bars([day({}), day({})], trans).map(bar => bar.height),
    [0, 0]
  );
});
