import type { ReactNode } from 'react';

/** Line icons in the colour of the surrounding text. */
function Icon({ children }: { children: ReactNode }) {
  return (
    <svg
      className="icon"
      width="18"
      height="18"
      viewBox="0 0 18 18"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const PlusIcon = () => (
  <Icon>
    <path d="M9 3.5v11M3.5 9h11" />
  </Icon>
);

export const MinusIcon = () => (
  <Icon>
    <path d="M3.5 9h11" />
  </Icon>
);

export const CrosshairIcon = () => (
  <Icon>
    <path d="M3 6.5V4.5A1.5 1.5 0 0 1 4.5 3h2M11.5 3h2A1.5 1.5 0 0 1 15 4.5v2M15 11.5v2a1.5 1.5 0 0 1-1.5 1.5h-2M6.5 15h-2A1.5 1.5 0 0 1 3 13.5v-2" />
    <circle cx="9" cy="9" r="1.6" />
  </Icon>
);

/** Arrows to all sides: of a whole fleet. */
export const FleetIcon = () => (
  <Icon>
    <path d="M3 7V3h4M11 3h4v4M15 11v4h-4M7 15H3v-4M3.4 3.4l3.4 3.4M14.6 3.4l-3.4 3.4M14.6 14.6l-3.4-3.4M3.4 14.6l3.4-3.4" />
  </Icon>
);

export const HelpIcon = () => (
  <Icon>
    <circle cx="9" cy="9" r="6.6" />
    <path d="M7.1 7.2a1.95 1.95 0 1 1 2.7 1.8c-.6.3-.8.6-.8 1.2M9 12.4v.2" />
  </Icon>
);

export const CloseIcon = () => (
  <Icon>
    <path d="M4.5 4.5l9 9M13.5 4.5l-9 9" />
  </Icon>
);

export const PanelIcon = () => (
  <Icon>
    <rect x="2.5" y="3.5" width="13" height="11" rx="2" />
    <path d="M7 3.5v11" />
  </Icon>
);

export const TableIcon = () => (
  <Icon>
    <rect x="2.5" y="3.5" width="13" height="11" rx="2" />
    <path d="M2.5 7.2h13M2.5 10.8h13M7 7.2v7.3" />
  </Icon>
);

export const MapIcon = () => (
  <Icon>
    <path d="M2.8 4.8 7 3.2l4 1.6 4.2-1.6v10L11 14.8l-4-1.6-4.2 1.6zM7 3.2v10M11 4.8v10" />
  </Icon>
);

export const DeadLettersIcon = () => (
  <Icon>
    <rect x="2.5" y="4" width="13" height="10" rx="2" />
    <path d="m3 5.5 6 4.6 6-4.6M7.6 11.6l2.8 0" />
  </Icon>
);

export const FeedsIcon = () => (
  <Icon>
    <path d="M1.8 9h3l2-5.2 3.6 10.4 2.3-5.2h3.5" />
  </Icon>
);

export const ReportsIcon = () => (
  <Icon>
    <path d="M2.5 15.5h13M4.5 15.5V9M9 15.5V3M13.5 15.5V6.5" />
  </Icon>
);

export const BellIcon = () => (
  <Icon>
    <path d="M4.2 12.8c1-1 1.3-2.4 1.3-4.6a3.5 3.5 0 0 1 7 0c0 2.2.3 3.6 1.3 4.6zM7.5 15a1.7 1.7 0 0 0 3 0" />
  </Icon>
);

export const SunIcon = () => (
  <Icon>
    <circle cx="9" cy="9" r="3.1" />
    <path d="M9 2v1.4M9 14.6V16M2 9h1.4M14.6 9H16M4.05 4.05l1 1M12.95 12.95l1 1M4.05 13.95l1-1M12.95 5.05l1-1" />
  </Icon>
);

export const MoonIcon = () => (
  <Icon>
    <path d="M14.8 10.6A6.3 6.3 0 0 1 7.4 3.2a6.3 6.3 0 1 0 7.4 7.4z" />
  </Icon>
);

export const SystemIcon = () => (
  <Icon>
    <rect x="2.5" y="3.5" width="13" height="8.5" rx="1.6" />
    <path d="M6.5 15h5" />
  </Icon>
);

export const SearchIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="4.6" />
    <path d="m11.5 11.5 3.5 3.5" />
  </Icon>
);

export const PlayIcon = () => (
  <Icon>
    <path d="M6 3.8v10.4l8-5.2z" fill="currentColor" />
  </Icon>
);

export const PauseIcon = () => (
  <Icon>
    <path d="M6.2 4v10M11.8 4v10" strokeWidth="2.4" />
  </Icon>
);

export const ClockIcon = () => (
  <Icon>
    <circle cx="9" cy="9" r="6.2" />
    <path d="M9 5.4V9l2.4 1.6" />
  </Icon>
);

export const FoldIcon = () => (
  <Icon>
    <path d="m4.5 7 4.5 4.5L13.5 7" />
  </Icon>
);

export const TripsIcon = () => (
  <Icon>
    <circle cx="4.5" cy="13.5" r="1.8" />
    <circle cx="13.5" cy="4.5" r="1.8" />
    <path d="M6.3 13.5h4.2a2.2 2.2 0 0 0 0-4.5h-3a2.2 2.2 0 0 1 0-4.5h4.2" />
  </Icon>
);

export const SignOutIcon = () => (
  <Icon>
    <path d="M7.5 3H5a1.5 1.5 0 0 0-1.5 1.5v9A1.5 1.5 0 0 0 5 15h2.5M11 6l3.2 3L11 12M14 9H7" />
  </Icon>
);

export const SettingsIcon = () => (
  <Icon>
    <path d="M2.5 5.5h6.2m4.6 0h2.2M2.5 12.5h2.2m4.6 0h6.2" />
    <circle cx="11" cy="5.5" r="2.2" />
    <circle cx="7" cy="12.5" r="2.2" />
  </Icon>
);

/** An arrow out of a frame. */
export const OpenPageIcon = () => (
  <Icon>
    <path d="M10.5 3H15v4.5M15 3 8.5 9.5M7 4H4.5A1.5 1.5 0 0 0 3 5.5v8A1.5 1.5 0 0 0 4.5 15h8a1.5 1.5 0 0 0 1.5-1.5V11" />
  </Icon>
);
