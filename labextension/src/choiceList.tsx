// The models as a list: one group a model, one row a place that serves it.

import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IModel } from './api';
import type { IChoice } from './catalog';
import { choicesOf } from './catalog';
import { iconOf, unavailableIcon } from './icons';
import { aboutModel, stateText } from './words';

export function optionId(value: string): string {
  return `jp-FirstChooser-${value}`;
}

interface IListProps {
  id: string;
  models: readonly IModel[];
  selected: string | null;
  current: string | null;
  age: number;
  trans: TranslationBundle;
  select: (value: string) => void;
  take: () => void;
}

export function ChoiceList(props: IListProps): JSX.Element {
  const { id, models, trans } = props;
  return (
    <div
      id={id}
      className="jp-FirstChooser-list"
      role="listbox"
      aria-label={trans.__('Models')}
    >
      {models.map(model => (
        <div
          key={model.id}
          className="jp-FirstChooser-model"
          role="group"
          aria-label={model.id}
        >
          <div className="jp-FirstChooser-heading" role="presentation">
            <span className="jp-FirstChooser-name">{model.id}</span>
            <span className="jp-FirstChooser-about">
              {aboutModel(model, trans)}
            </span>
          </div>
          {choicesOf(model).map(choice => (
            <Row key={choice.value} choice={choice} {...props} />
          ))}
        </div>
      ))}
    </div>
  );
}

function Row(props: IListProps & { choice: IChoice }): JSX.Element {
  const { choice, selected, current, age, trans, select, take } = props;
  const { offer, model, pinned, value } = choice;
  const isSelected = value === selected;
  const row = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    if (isSelected) {
      row.current?.scrollIntoView({ block: 'nearest' });
    }
  }, [isSelected]);

  const anywhere = !pinned && model.clusters.length > 1;
  const Icon = offer ? iconOf(offer.state) : unavailableIcon;
  const place = anywhere
    ? trans.__('anywhere')
    : (offer?.cluster ?? trans.__('no cluster'));
  return (
    <div
      ref={row}
      id={optionId(value)}
      className={`jp-FirstChooser-row${isSelected ? ' jp-mod-selected' : ''}`}
      role="option"
      aria-selected={isSelected}
      onClick={() => select(value)}
      onDoubleClick={take}
    >
      <Icon.react className="jp-FirstChooser-icon" tag="span" />
      <span className="jp-FirstChooser-place">{place}</span>
      <span className="jp-FirstChooser-state">
        {offer ? stateText(offer, age, trans) : trans.__('offline')}
      </span>
      <span className="jp-FirstChooser-reason">
        {anywhere
          ? trans.__('soonest on %1', offer?.cluster ?? '')
          : offer?.reason}
      </span>
      {value === current && (
        <span className="jp-FirstChooser-current">{trans.__('current')}</span>
      )}
    </div>
  );
}
