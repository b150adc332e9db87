import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ILease } from '../src/api';
import { heldFor, keptText, walltime, warmOf } from '../src/panel/leases';
import { clock, span, timeLeft } from '../src/panel/times';
import { catalog, lease, trans } from './samples';

/** Noon of a Friday, wherever the test runs. */
const NOON = new Date(2026, 10, 27, 12).getTime() / 1000;
const HOUR = 3600;
const DAY = 24 * HOUR;

for (const [seconds, said] of [
  [-3, '0 s'],
  [50, '50 s'],
  [1500, '25 min'],
  [6000, '1 h 40 min'],
  [7200, '2 h']
] as const) {
  test(`a span of ${seconds} s is ${said}`, () => {
    assert.equal(span(seconds), said);
  });
}

for (const [seconds, said] of [
  [12.4 * DAY, '12 days left'],
  [DAY, '1 day left'],
  [5 * HOUR, '5 hours left'],
  [60, 'less than an hour left']
] as const) {
  test(`a login that has ${seconds} s has ${said}`, () => {
    assert.equal(timeLeft(seconds, trans), said);
  });
}

test('a moment of today is told by its time, another one by its day too', () => {
  assert.equal(clock(NOON + 4 * HOUR, NOON), '16:00');
  assert.match(clock(NOON + DAY, NOON), /^\S+ 12:00$/);
  assert.match(clock(NOON + 40 * DAY, NOON), /2027.* 12:00$/);
});

for (const [given, said] of [
  [{ held_until: NOON + HOUR }, 'Held until 13:00'],
  [
    { held_until: NOON + HOUR, expires: NOON + 2 * HOUR },
    'Held until 13:00, then until 14:00 if unused'
  ],
  [
    { held_until: NOON - HOUR, expires: NOON + HOUR },
    'Ends at 13:00 if nobody uses it'
  ],
  [
    { expires: NOON + 2 * HOUR, job_ends: NOON + HOUR },
    'Ends with its job at 13:00'
  ],
  [{}, '']
] as [Partial<ILease>, string][]) {
  test(`a lease of ${JSON.stringify(given)} is told`, () => {
    assert.equal(keptText(lease(given), NOON, trans), said);
  });
}

test('of a job the part that is over and the time that is left are told', () => {
  const half = lease({ since: NOON - HOUR, job_ends: NOON + HOUR });
  assert.deepEqual(walltime(half, NOON, trans), {
    over: 0.5,
    text: '1 h of its job left'
  });
  assert.equal(walltime(half, NOON + DAY, trans)?.over, 1);
  assert.equal(walltime(lease({ since: NOON }), NOON, trans), null);
});

test('more time comes on top of what is held already', () => {
  const held = lease({ held_until: NOON + HOUR });
  assert.equal(heldFor(held, HOUR, NOON), 2 * HOUR);
  assert.equal(heldFor(held, HOUR, NOON + DAY), HOUR);
  assert.equal(heldFor(lease(), HOUR, NOON), HOUR);
});

test('all replicas of all models are warm nodes', () => {
  const given = catalog();
  given.models[0]?.clusters[0]?.leases.push(lease());
  given.models[1]?.clusters[1]?.leases.push(lease({ replica: 'other' }));
  assert.deepEqual(
    warmOf(given).map(each => [each.offer.cluster, each.lease.replica]),
    [
      ['local', 'smollm2-1f2e3d'],
      ['polaris', 'other']
    ]
  );
});
