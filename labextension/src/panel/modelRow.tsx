// One place that serves a model: its state, its load, and what can be done about it.

import { runIcon, stopIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IOffer } from '../api';
import type { IChoice } from '../catalog';
import { iconOf } from '../icons';
import { choiceName, stateText } from '../words';
import { dropMenu } from './menu';
import type { IModelsProps } from './models';
import { attempt, IconButton, TextButton } from './parts';
import { WhyNot } from './whyNot';

const HOUR = 3600;

export function ModelRow(
  props: IModelsProps & { choice: IChoice }
): JSX.Element | null {
  const { choice, federation, trans } = props;
  const { offer, model, pinned } = choice;
  if (!offer) {
    return null;
  }
  const anywhere = !pinned && model.clusters.length > 1;
  const Icon = iconOf(offer.state);
  return (
    <li className="jp-FirstPanel-row">
      <div className="jp-FirstPanel-rowHead">
        <Icon.react className="jp-FirstPanel-icon" tag="span" />
        <span className="jp-FirstPanel-place">
          {anywhere ? trans.__('anywhere') : offer.cluster}
        </span>
        <ChooseButton {...props} />
        {!anywhere && <StartOrStop {...props} offer={offer} />}
      </div>
      <div className="jp-FirstPanel-rowBody">
        {anywhere ? (
          <p className="jp-FirstPanel-quiet">
            {trans.__('soonest on %1', offer.cluster)}
          </p>
        ) : (
          <>
            <p>
              {[stateText(offer, federation.age, trans), loadText(offer, trans)]
                .filter(Boolean)
                .join(' · ')}
            </p>
            <Progress offer={offer} trans={trans} />
            <Reason {...props} offer={offer} />
          </>
        )}
      </div>
    </li>
  );
}

function ChooseButton(props: IModelsProps & { choice: IChoice }): JSX.Element {
  const { choice, federation, trans } = props;
  const name = choiceName(choice);
  const current = federation.current?.value === choice.value;
  // One button for both, so that whoever chooses keeps the focus.
  return (
    <TextButton
      label={current ? `✓ ${trans.__('current')}` : trans.__('Choose')}
      name={
        current ? trans.__('%1 is current', name) : trans.__('Choose %1', name)
      }
      done={current}
      act={() =>
        attempt(trans.__('%1 was not chosen', name), () =>
          federation.choose(choice.value)
        )
      }
    />
  );
}

function StartOrStop(
  props: IModelsProps & { choice: IChoice; offer: IOffer }
): JSX.Element | null {
  const { choice, federation, offer, trans } = props;
  const { id } = choice.model;
  const where = trans.__('%1 on %2', id, offer.cluster);
  if (offer.state === 'cold' || offer.state === 'offline') {
    if (!offer.startable) {
      return null;
    }
    const start = (hold?: number) => () =>
      attempt(trans.__('%1 could not be started', where), () =>
        federation.start(id, offer.cluster, hold)
      );
    return (
      <IconButton
        menu
        icon={runIcon}
        label={trans.__('Start %1…', where)}
        act={button =>
          dropMenu(button, [
            { label: trans.__('As Long as It Is Used'), act: start() },
            { label: trans.__('For at Least 1 Hour'), act: start(HOUR) },
            { label: trans.__('For at Least 2 Hours'), act: start(2 * HOUR) },
            { label: trans.__('For at Least 8 Hours'), act: start(8 * HOUR) }
          ])
        }
      />
    );
  }
  if (offer.unstoppable || offer.state === 'draining') {
    return null;
  }
  return (
    <IconButton
      icon={stopIcon}
      label={trans.__('Stop %1', where)}
      act={() =>
        attempt(trans.__('%1 could not be stopped', where), () =>
          federation.stop(id, offer.cluster)
        )
      }
    />
  );
}

/** How many requests it has; nothing where it has none. */
export function loadText(offer: IOffer, trans: TranslationBundle): string {
  const parts = [];
  if (offer.replicas > 1) {
    parts.push(trans.__('%1 replicas', offer.replicas));
  }
  if (offer.running > 0) {
    parts.push(trans.__('%1 running', offer.running));
  }
  if (offer.waiting > 0) {
    parts.push(trans.__('%1 waiting', offer.waiting));
  }
  return parts.join(' · ');
}

function Progress(props: {
  offer: IOffer;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { offer, trans } = props;
  if (offer.state !== 'starting' || offer.progress === null) {
    return null;
  }
  return (
    <progress
      className="jp-FirstPanel-bar"
      aria-label={trans.__('Progress of the start on %1', offer.cluster)}
      value={offer.progress}
    />
  );
}

/** What it waits for; why it is cold is told when somebody wants to know. */
function Reason(
  props: IModelsProps & { choice: IChoice; offer: IOffer }
): JSX.Element | null {
  const { api, choice, offer, trans } = props;
  if (offer.state === 'cold' || offer.state === 'offline') {
    return (
      <WhyNot model={choice.model.id} offer={offer} api={api} trans={trans} />
    );
  }
  return offer.reason ? (
    <p className="jp-FirstPanel-quiet">{offer.reason}</p>
  ) : null;
}
