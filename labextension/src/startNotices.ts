// One notification for each start: it says how far the model is, can end the start, and stays with what came of it.

import type { Notification } from '@jupyterlab/apputils';
import type { ReadonlyJSONValue } from '@lumino/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';

import type { IFederation } from './federation';
import type { IStart, IStartNews } from './starts';
import { follow, startKey } from './starts';
import { startText } from './startWords';

/** What takes less is not worth a word, in seconds. */
const SOON = 2;
/** For so many seconds a notification may be on its way to the screen; JupyterLab loses what changes meanwhile. */
const FRESH = 5;
const RESULT_MS = 5000;

type Options = Notification.IOptions<ReadonlyJSONValue>;

/** JupyterLab's notifications, as far as they are used here. */
export interface IBoard {
  notify(
    message: string,
    type: Notification.TypeOptions,
    options: Options
  ): string;
  /** Whether there was one to update: a person may have dismissed it. */
  update(update: Notification.IUpdate<ReadonlyJSONValue>): boolean;
  /** Whether it is on the screen, and not in the notification centre alone. */
  isOnScreen(id: string): boolean;
}

/** What the buttons do. */
export interface IDoors {
  stop(start: IStart): void;
  openPanel(): void;
  showLog(start: IStart): void;
}

interface INotice {
  id: string | null;
  said: string;
  /** When it was made, in seconds since 1970. */
  made: number;
}

export class StartNotices {
  constructor(
    private readonly federation: IFederation,
    private readonly board: IBoard,
    private readonly doors: IDoors,
    private readonly trans: TranslationBundle,
    private readonly isWanted: () => boolean,
    private readonly now = (): number => Date.now() / 1000
  ) {
    federation.asked.connect((_, model) => this.asked.add(model));
    federation.changed.connect(() => this.look());
    this.look();
  }

  private look(): void {
    clearTimeout(this.later);
    this.later = undefined;
    if (this.federation.availability !== 'ready') {
      return;
    }
    const now = this.now();
    const { models } = this.federation.catalog;
    const news = follow(this.known, models, now, this.asked);
    if (this.isWanted()) {
      this.known = news.filter(each => !this.tell(each, now));
    } else {
      this.known = news.filter(each => each.ending === null);
      this.notices.clear();
    }
    // Times go on between events; nobody looks at them once all has been said.
    if (this.notices.size > 0) {
      this.watching ??= this.federation.watch();
    } else {
      this.watching?.dispose();
      this.watching = null;
    }
  }

  /** Returns whether all is said. */
  private tell(news: IStartNews, now: number): boolean {
    const key = startKey(news);
    const notice = this.notices.get(key) ?? { id: null, said: '', made: now };
    this.notices.set(key, notice);
    const left = news.since + SOON - now;
    if (notice.id === null && news.ending === null && left > 0) {
      this.lookIn(left);
      return false;
    }
    if (this.isFresh(notice, now)) {
      this.lookIn(1);
      return false;
    }
    if (news.ending === null) {
      this.goOn(news, notice, now);
      return false;
    }
    this.notices.delete(key);
    this.asked.delete(news.model);
    this.end(news, notice, now);
    return true;
  }

  private isFresh({ id, made }: INotice, now: number): boolean {
    return id !== null && now - made < FRESH && !this.board.isOnScreen(id);
  }

  private lookIn(seconds: number): void {
    this.later ??= setTimeout(() => this.look(), seconds * 1000);
  }

  private goOn(news: IStartNews, notice: INotice, now: number): void {
    const message = startText(news, now, this.trans);
    if (message === notice.said) {
      return;
    }
    notice.said = message;
    const { progress } = news.offer;
    const options: Options = {
      actions: [...this.cancel(news), this.openPanel()],
      ...(progress === null ? {} : { progress })
    };
    if (notice.id === null) {
      const shown = { ...options, autoClose: false as const };
      notice.id = this.board.notify(message, 'in-progress', shown);
      notice.made = now;
    } else {
      // One that was put away stays in the notification centre.
      const autoClose = this.board.isOnScreen(notice.id) ? false : 0;
      this.board.update({ id: notice.id, message, ...options, autoClose });
    }
  }

  private end(news: IStartNews, { id }: INotice, now: number): void {
    const failed = news.ending === 'failed';
    if (id === null && !failed) {
      return;
    }
    const type = failed ? 'error' : news.ending === 'hot' ? 'success' : 'info';
    const message = startText(news, now, this.trans);
    const options: Options = {
      autoClose: failed ? false : RESULT_MS,
      actions: failed ? [this.showLog(news)] : []
    };
    if (
      id === null ||
      (!this.board.update({ id, message, type, ...options }) && failed)
    ) {
      this.board.notify(message, type, options);
    }
  }

  private cancel(news: IStartNews): Notification.IAction[] {
    if (news.offer.unstoppable) {
      return [];
    }
    const callback = (event: MouseEvent): void => {
      event.preventDefault();
      this.doors.stop(news);
    };
    const caption = this.trans.__('Stop this start and give its node back');
    return [{ label: this.trans.__('Cancel'), caption, callback }];
  }

  private openPanel(): Notification.IAction {
    const callback = (event: MouseEvent): void => {
      // The default is to dismiss the notification.
      event.preventDefault();
      this.doors.openPanel();
    };
    return { label: this.trans.__('Open Panel'), callback };
  }

  private showLog(news: IStartNews): Notification.IAction {
    const callback = (): void => this.doors.showLog(news);
    return { label: this.trans.__('Show Log'), callback };
  }

  private watching: IDisposable | null = null;
  private readonly asked = new Set<string>();
  private known: IStart[] = [];
  private later: ReturnType<typeof setTimeout> | undefined;
  private readonly notices = new Map<string, INotice>();
}
