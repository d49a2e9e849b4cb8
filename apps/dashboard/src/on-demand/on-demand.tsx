import '../lists/lists.css';
import './on-demand.css';
import { type ComponentType, type ReactNode, useEffect, useState } from 'react';
import { t } from '../locale/text.js';

/**
 * A page whose code is loaded when it is first shown. If that fails, the user is offered to reload the tab: after an upgrade of
 * the service, files that an open tab refers to no longer exist.
 */
export function onDemand<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  let Loaded: ComponentType<Props> | null = null;
  return function OnDemand(props: Props) {
    const [state, setState] = useState<'loading' | 'loaded' | 'failed'>(
      Loaded === null ? 'loading' : 'loaded',
    );
    useEffect(() => {
      if (Loaded !== null) return;
      let isGone = false;
      const settle = (next: 'loaded' | 'failed'): void => {
        if (!isGone) setState(next);
      };
      load().then(
        (component) => {
          Loaded = component;
          settle('loaded');
        },
        (error: unknown) => {
          reportError(error);
          settle('failed');
        },
      );
      return () => {
        isGone = true;
      };
    }, []);
    if (Loaded !== null) return <Loaded {...props} />;
    return state === 'failed' ? <NotLoaded /> : <Loading />;
  };
}

/** The outline of a page. */
function Loading() {
  return (
    <Frame testId="page-loading">
      <p className="list-total" role="status">
        {t('common.loading')}
      </p>
      <div className="on-demand-rows" aria-hidden="true">
        <span />
        <span />
        <span />
      </div>
    </Frame>
  );
}

function NotLoaded() {
  return (
    <Frame testId="page-not-loaded">
      <div className="on-demand-failure" role="alert">
        <h2>{t('onDemand.failed')}</h2>
        <p>{t('onDemand.why')}</p>
        <button type="button" className="on-demand-button" onClick={() => location.reload()}>
          {t('onDemand.reload')}
        </button>
      </div>
    </Frame>
  );
}

function Frame({ testId, children }: { testId: string; children: ReactNode }) {
  return (
    <section className="list-view on-demand" data-testid={testId}>
      {children}
    </section>
  );
}
