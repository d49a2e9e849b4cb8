import type { Accessor, DefaultProps } from '@deck.gl/core';
import { ScatterplotLayer } from '@deck.gl/layers';
import { statesOnMap } from '../city-state/drawn-state.js';

/** A ring has as many parts as there are states on the map. */
const PARTS_PER_DISC = statesOnMap.length;

/** Cumulative shares of all parts except the last. */
const ENDS_PER_DISC = PARTS_PER_DISC - 1;

interface SharesProps<DataT> {
  /** The colours of the ring's parts as `#rrggbb`. They are fixed per layer: other colours need another layer id. */
  readonly ringColors?: readonly string[];
  /** The cumulative shares in the order of `ringColors`, 0 to 1, without the last. */
  readonly getEnds?: Accessor<DataT, number[]>;
}

/** Discs with a ring of shares, like a doughnut chart, clockwise from the top. */
export class SharesLayer<DataT> extends ScatterplotLayer<DataT, SharesProps<DataT>> {
  static override layerName = 'SharesLayer';
  static override defaultProps: DefaultProps = {
    ringColors: { type: 'array', value: [], compare: false },
    getEnds: { type: 'accessor', value: [] },
  };

  override getShaders() {
    return {
      ...super.getShaders(),
      inject: {
        'vs:#decl': vertexDeclarations,
        'vs:#main-end': vertexEnd,
        'fs:#decl': fragmentDeclarations(this.props.ringColors ?? []),
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

function fragmentDeclarations(ringColors: readonly string[]): string {
  const colors = ringColors.map((color) => {
    const channels = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
    return `vec3(${channels.map((channel) => (channel / 255).toFixed(4)).join(', ')})`;
  });
  return `
    in vec4 endsOfFour;
    in vec2 endsOfRest;
    in vec2 ringPixels;
    const vec3 ringColors[${PARTS_PER_DISC}] = vec3[](${colors.join(', ')});
  `;
}

const colorFilter = `
  float isRing = smoothstep(-0.5, 0.5, length(geometry.uv) * ringPixels.y - ringPixels.x);
  float turn = fract(atan(geometry.uv.x, geometry.uv.y) / 6.2831853 + 1.0);
  int part = int(dot(step(endsOfFour, vec4(turn)), vec4(1.0)) + dot(step(endsOfRest, vec2(turn)), vec2(1.0)));
  color.rgb = mix(color.rgb, ringColors[part], isRing);
`;
