export { encodeLiveFrame, LIVE_FRAME_VERSION, LiveFrameDecoder } from './live-frame-codec.js';
