// The notifications of starts, with a federation on a real HTTP server, and a list in the place of JupyterLab's notifications.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Notification } from '@jupyterlab/apputils';

import type { IOffer } from '../src/api';
import { Federation } from '../src/federation';
import type { IBoard } from '../src/startNotices';
import { StartNotices } from '../src/startNotices';
import { catalog, lease, trans } from './samples';
import { asJson, withServer } from './server';

interface INote {
  message: string;
  type: string;
  autoClose: number | false | undefined;
  actions: readonly Notification.IAction[];
}

interface IStage {
  notes: INote[];
  done: string[];
  /** The small model's offer becomes this after so many seconds. */
  then(seconds: number, offer: Partial<IOffer>): Promise<void>;
  press(label: string): void;
  hide(): void;
}

const starting: Partial<IOffer> = { state: 'starting', leases: [lease()] };

function onStage(
  body: (stage: IStage) => Promise<void>,
  isWanted = true
): Promise<void> {
  const notes: INote[] = [];
  const done: string[] = [];
  let [now, served, onScreen] = [1000, catalog(), true];
  const board: IBoard = {
    notify: (message, type, { autoClose, actions }) => {
      notes.push({ message, type, autoClose, actions: actions ?? [] });
      return String(notes.length - 1);
    },
    update: ({ id, ...changes }) => {
      Object.assign(notes[Number(id)] as INote, changes);
      return true;
    },
    isOnScreen: () => onScreen
  };
  return withServer(
    (request, response, line) => asJson(200, served)(request, response, line),
    async ({ api, stream }) => {
      const federation = new Federation(api, stream);
      const doors = {
        stop: () => void done.push('stop'),
        openPanel: () => void done.push('panel'),
        showLog: () => void done.push('log')
      };
      new StartNotices(
        federation,
        board,
        doors,
        trans,
        () => isWanted,
        () => now
      );
      const stage: IStage = {
        notes,
        done,
        then: async (seconds, changes) => {
          now += seconds;
          served = catalog();
          Object.assign(served.models[0]?.clusters[0] as IOffer, changes);
          await federation.refresh();
        },
        press: label => {
          const [note] = notes as [INote];
          const button = note.actions.find(each => each.label === label);
          button?.callback({ preventDefault: () => undefined } as MouseEvent);
        },
        hide: () => (onScreen = false)
      };
      await body(stage).finally(() => federation.dispose());
    }
  );
}

const messages = (stage: IStage): string[] =>
  stage.notes.map(({ message }) => message);
const NAME = 'SmolLM2-135M-Instruct';

test('one notification goes along with a start and ends with it', () =>
  onStage(async stage => {
    await stage.then(0, starting);
    await stage.then(3, { ...starting, eta: 4 });
    assert.deepEqual(messages(stage), [
      `${NAME} on local: starting · ready in about 4 s`
    ]);
    await stage.then(2, { ...starting, reason: 'loading the weights' });
    assert.deepEqual(messages(stage), [
      `${NAME} on local: starting · loading the weights`
    ]);
    assert.equal(stage.notes[0]?.autoClose, false);
    await stage.then(2, {});
    const [end] = stage.notes as [INote];
    assert.equal(end.message, `${NAME} on local is hot after 7 s`);
    assert.equal(end.type, 'success');
    assert.deepEqual(end.actions, []);
    assert.equal(stage.notes.length, 1);
  }));

test('a quick start is not worth a word', () =>
  onStage(async stage => {
    await stage.then(0, starting);
    await stage.then(1.5, {});
    assert.deepEqual(stage.notes, []);
  }));

test('a quick failure is told, and its log can be seen', () =>
  onStage(async stage => {
    await stage.then(0, starting);
    await stage.then(1, { state: 'offline', reason: 'no such file' });
    const [note] = stage.notes as [INote];
    assert.equal(note.message, `${NAME} did not start on local: no such file`);
    assert.equal(note.type, 'error');
    assert.equal(note.autoClose, false);
    stage.press('Show Log');
    assert.deepEqual(stage.done, ['log']);
  }));

test('a start can be cancelled, and the panel opened, from its notification', () =>
  onStage(async stage => {
    await stage.then(0, starting);
    await stage.then(3, starting);
    stage.press('Open Panel');
    stage.press('Cancel');
    assert.deepEqual(stage.done, ['panel', 'stop']);
    await stage.then(1, { state: 'cold', reason: 'stopped' });
    assert.equal(stage.notes[0]?.type, 'info');
  }));

test('what cannot be stopped from here has no Cancel', () =>
  onStage(async stage => {
    const others = { ...starting, unstoppable: 'It is shared with others.' };
    await stage.then(0, others);
    await stage.then(3, others);
    const labels = stage.notes[0]?.actions.map(({ label }) => label);
    assert.deepEqual(labels, ['Open Panel']);
  }));

test('a notification that was put away changes in the centre alone', () =>
  onStage(async stage => {
    await stage.then(0, starting);
    await stage.then(3, starting);
    stage.hide();
    await stage.then(6, { ...starting, reason: 'loading the weights' });
    assert.equal(stage.notes[0]?.autoClose, 0);
    assert.match(stage.notes[0]?.message ?? '', /loading the weights/);
  }));

test('what changes before the notification is on the screen is said once it is', () =>
  onStage(async stage => {
    stage.hide();
    await stage.then(0, starting);
    await stage.then(3, starting);
    await stage.then(1, {});
    assert.equal(stage.notes[0]?.type, 'in-progress');
    await stage.then(4, {});
    assert.equal(stage.notes[0]?.message, `${NAME} on local is hot after 8 s`);
    assert.equal(stage.notes[0]?.type, 'success');
  }));

test('nothing is told of where the settings say so', () =>
  onStage(async stage => {
    await stage.then(0, starting);
    await stage.then(3, starting);
    await stage.then(3, { state: 'offline' });
    assert.deepEqual(stage.notes, []);
  }, false));
