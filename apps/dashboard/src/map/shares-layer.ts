import type { Accessor, DefaultProps } from '@deck.gl/core';
import { ScatterplotLayer } from '@deck.gl/layers';
import { statesOnMap } from '../city-state/drawn-state.js';
import { marks } from '../marks/marks.js';
import type { Theme } from '../theme/theme.js';

/** Cumulative shares of all states except the last. */
const ENDS_PER_DISC = statesOnMap.length - 1;

interface SharesProps<DataT> {
  /** The theme of the ring's colours. It is fixed per layer: another theme needs another layer id. */
  readonly theme?: Theme;
  /** The cumulative shares in the order of `statesOnMap`, 0 to 1, without the last. */
  readonly getEnds?: Accessor<DataT, number[]>;
}

/** Discs with a ring of shares, like a doughnut chart, clockwise from the top. */
export class SharesLayer<DataT> extends ScatterplotLayer<DataT, SharesProps<DataT>> {
  static override layerName = 'SharesLayer';
  static override defaultProps: DefaultProps = {
    theme: 'dark',
    getEnds: { type: 'accessor', value: [] },
  };

  override getShaders() {
    return {
      ...super.getShaders(),
      inject: {
        'vs:#decl': vertexDeclarations,
        'vs:#main-end': vertexEnd,
        'fs:#decl': fragmentDeclarations(this.props.theme ?? 'dark'),
        'fs:DECKGL_FILTER_COLOR': colorFilter,
      },
    };
  }

  override initializeState(): void {
    super.initializeState();
    this.getAttributeManager()!.addInstanced({
      instanceEnds: {
        size: ENDS_PER_DISC,
        accessor: 'getEnds',
        shaderAttributes: {
          instanceEndsOfFour: { size: 4, elementOffset: 0 },
          instanceEndsOfRest: { size: ENDS_PER_DISC - 4, elementOffset: 4 },
        },
      },
    });
  }
}

const vertexDeclarations = `
  in vec4 instanceEndsOfFour;
  in vec2 instanceEndsOfRest;
  out vec4 endsOfFour;
  out vec2 endsOfRest;
  out vec2 ringPixels;
`;

const vertexEnd = `
  endsOfFour = instanceEndsOfFour;
  endsOfRest = instanceEndsOfRest;
  ringPixels = vec2(innerUnitRadius, 1.0) * outerRadiusPixels;
`;

function fragmentDeclarations(theme: Theme): string {
  const ringColors = statesOnMap.map((state) => {
    const channels = [1, 3, 5].map((at) => Number.parseInt(marks[state].color[theme].slice(at, at + 2), 16));
    return `vec3(${channels.map((channel) => (channel / 255).toFixed(4)).join(', ')})`;
  });
  return `
    in vec4 endsOfFour;
    in vec2 endsOfRest;
    in vec2 ringPixels;
    const vec3 ringColors[${statesOnMap.length}] = vec3[](${ringColors.join(', ')});
  `;
}

const colorFilter = `
  float isRing = smoothstep(-0.5, 0.5, length(geometry.uv) * ringPixels.y - ringPixels.x);
  float turn = fract(atan(geometry.uv.x, geometry.uv.y) / 6.2831853 + 1.0);
  int part = int(dot(step(endsOfFour, vec4(turn)), vec4(1.0)) + dot(step(endsOfRest, vec2(turn)), vec2(1.0)));
  color.rgb = mix(color.rgb, ringColors[part], isRing);
`;
