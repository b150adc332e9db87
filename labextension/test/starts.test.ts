// Which starts are told of, by table, and in which words.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { IModel, IOffer, IStage } from '../src/api';
import type { IStart, IStartNews } from '../src/starts';
import { follow } from '../src/starts';
import { startText } from '../src/startWords';
import { lease, offer, trans } from './samples';

const NOW = 1000;
const stage = (
  name: string,
  state: IStage['state'],
  seconds: number | null = null,
  usual: number | null = null
): IStage => ({ stage: name, state, seconds, usual });

const models = (changes: Partial<IOffer>): IModel[] => [
  {
    id: 'lab/llama',
    aliases: [],
    abilities: ['chat'],
    context: null,
    clusters: [offer({ cluster: 'polaris', ...changes })]
  }
];
const known: IStart[] = [
  { model: 'lab/llama', offer: offer({ cluster: 'polaris' }), since: 880 }
];
const only = (news: IStartNews[]): IStartNews => {
  assert.equal(news.length, 1);
  return news[0] as IStartNews;
};

for (const [what, changes, told] of [
  ['a model that is hot', {}, false],
  ['one that is cold', { state: 'cold' }, false],
  ['one that drains', { state: 'draining', leases: [lease()] }, false],
  ['one that starts for somebody else', { state: 'starting' }, false],
  ['a replica of ours', { state: 'queued', leases: [lease()] }, true],
  ['one that a request waits for', { state: 'starting', waiting: 1 }, true]
] as [string, Partial<IOffer>, boolean][]) {
  test(`${what} is ${told ? '' : 'not '}followed`, () => {
    assert.equal(follow([], models(changes), NOW).length, told ? 1 : 0);
  });
}

test('one that was asked for here is followed', () => {
  const starting = models({ state: 'starting' });
  assert.equal(follow([], starting, NOW, new Set(['lab/llama'])).length, 1);
});

for (const [what, changes, since] of [
  ['now, where nothing is known', { waiting: 1 }, NOW],
  ['when its replica was asked for', { leases: [lease({ since: 940 })] }, 940],
  [
    'as long ago as its stages took',
    {
      leases: [lease({ since: 1 })],
      stages: [
        stage('queued', 'done', 40),
        stage('loading', 'now', 12, 30),
        stage('warming', 'ahead', null, 5)
      ]
    },
    948
  ]
] as [string, Partial<IOffer>, number][]) {
  test(`a start that is found began ${what}`, () => {
    const news = follow([], models({ state: 'starting', ...changes }), NOW);
    assert.equal(only(news).since, since);
  });
}

for (const [state, ending, words] of [
  ['starting', null, 'llama on polaris: starting · no node is free'],
  ['hot', 'hot', 'llama on polaris is hot after 2 min'],
  ['offline', 'failed', 'llama did not start on polaris: no node is free'],
  ['draining', 'stopped', 'llama on polaris was stopped before it was hot'],
  ['cold', 'stopped', 'llama on polaris starts no more: no node is free']
] as const) {
  test(`a start that was known and is ${state} reads “${words}”`, () => {
    const reason = 'no node is free';
    const news = only(follow(known, models({ state, reason }), NOW));
    assert.equal(news.ending, ending);
    assert.equal(startText(news, NOW, trans), words);
  });
}

test('a start that ended is told once', () => {
  assert.deepEqual(follow([], models({}), NOW), []);
});

for (const [stages, eta, words] of [
  [
    [
      stage('queued', 'done', 40),
      stage('fetching', 'done', 0.2),
      stage('loading', 'now', 12, 28),
      stage('warming', 'ahead', null, 5)
    ],
    21,
    'queued 40 s · loading 12 s of about 30 s · ready in about 25 s'
  ],
  [[stage('loading', 'now', 50, 30)], null, 'loading 50 s · on its way'],
  [[stage('queued', 'now', 200)], 600, 'queued 3 min · ready in about 10 min'],
  [[], 4, 'starting · ready in about 4 s']
] as [IStage[], number | null, string][]) {
  test(`a start reads “${words}”`, () => {
    const given = { state: 'starting', reason: 'on its way', stages, eta };
    const news = follow(known, models(given as Partial<IOffer>), NOW);
    assert.equal(
      startText(only(news), NOW, trans),
      `llama on polaris: ${words}`
    );
  });
}
