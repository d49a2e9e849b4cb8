import type { FindingTexts, ServiceTexts } from './messages.js';

const findings: FindingTexts = {
  'swapped-coordinates': [
    '위도와 경도가 뒤바뀌어 있습니다',
    '경도가 먼저 오는 GeoJSON이나 WKT의 위치를 순서를 바꾸지 않고 변환했습니다.',
    '위도는 lat, 경도는 lng에 보내십시오.',
  ],
  'wrong-sign': [
    '좌표의 부호가 잘못되었습니다',
    '반구 정보가 빠졌습니다. 서경과 남위는 음수입니다.',
    '그리니치 서쪽의 경도와 적도 남쪽의 위도를 음수로 보내십시오.',
  ],
  'zero-position': [
    '위치가 0, 0입니다',
    '단말이 위치를 얻기 전에 보내거나, 없는 위치가 0으로 변환됩니다.',
    '단말이 위치를 얻은 뒤에만 보내십시오.',
  ],
  'speed-in-kmh': [
    '속도 단위가 km/h입니다',
    '계기판이나 GPS 수신기의 속도를 변환하지 않고 보냈습니다.',
    'speed를 m/s로 보내십시오. 3.6으로 나누면 됩니다.',
  ],
  'speed-in-mph': [
    '속도 단위가 mph 또는 노트입니다',
    '속도를 변환하지 않고 보냈습니다. NMEA 문장의 속도는 노트입니다.',
    'speed를 m/s로 보내십시오. mph에는 0.447, 노트에는 0.514를 곱하면 됩니다.',
  ],
  'implausible-speed': [
    '도로 차량으로는 불가능한 속도입니다',
    '단위가 m/s가 아니거나 GPS 수신기의 오류값입니다.',
    'speed를 m/s로 보내고, 모르면 -1을 보내십시오.',
  ],
  'timestamp-in-seconds': [
    '시각 단위가 초입니다',
    '초 단위 Unix 시각을 보냈습니다. MDS는 밀리초를 씁니다.',
    '1,000을 곱하십시오.',
  ],
  'timestamp-in-microseconds': [
    '시각 단위가 마이크로초 또는 나노초입니다',
    '언어나 데이터베이스의 단위를 그대로 보냈습니다. MDS는 밀리초를 씁니다.',
    '1,000 또는 1,000,000으로 나누고 정수로 반올림하십시오.',
  ],
  'timestamp-as-text': [
    '시각이 문자열입니다',
    '"2026-01-31T08:42:00Z" 같은 날짜나 따옴표로 감싼 숫자를 보냈습니다.',
    '1970-01-01T00:00:00Z부터의 밀리초를 따옴표 없는 정수로 보내십시오.',
  ],
  'local-time': [
    '시각이 현지 시각입니다',
    '현지 시각을 UTC처럼 변환했습니다. 차이가 30분의 배수입니다.',
    '시간대를 적용해 변환하십시오. 1970-01-01T00:00:00Z부터의 밀리초는 UTC입니다.',
  ],
  'clock-ahead': [
    '시계가 앞서 있습니다',
    '단말이나 사업자 서버의 시계가 앞서 있어, 이벤트가 발생 전에 수신됩니다.',
    'NTP나 GPS로 시계를 맞추십시오. 5분 넘게 앞선 이벤트는 거부됩니다.',
  ],
  'clock-behind': [
    '시계가 늦습니다',
    '모든 이벤트가 같은 시간만큼 늦습니다. 단말이나 사업자 서버의 시계가 늦거나, 이벤트마다 그만큼 기다렸다가 보냅니다.',
    'NTP나 GPS로 시계를 맞추십시오. 시계가 맞다면 이벤트를 바로 보내십시오.',
  ],
  late: [
    '이벤트가 늦게 도착합니다',
    '이벤트를 모았다가 보내거나, 발생하는 속도만큼 보내지 못합니다.',
    '이벤트를 몇 초 안에, 요청당 최대 1,000건으로 보내십시오. 요청 하나로 부족하면 여러 요청을 동시에 보내십시오.',
  ],
  'past-events': [
    '과거의 이벤트입니다',
    '기록된 이벤트를 재생하거나, 빠진 날의 이벤트를 다시 보내고 있습니다.',
    '의도한 것이라면 조치가 필요 없습니다. 분석은 이벤트 시각을 씁니다.',
  ],
  'timestamp-too-old': [
    '허용 범위보다 오래된 이벤트입니다',
    '몇 년 전의 이벤트이거나, 시각 단위가 밀리초가 아닙니다.',
    '밀리초로 보내십시오. 재생이라면 시각을 옮기거나 EVENTS_MAX_AGE_DAYS를 늘리십시오.',
  ],
  'out-of-order': [
    '한 차량의 이벤트 순서가 뒤바뀝니다',
    '같은 차량의 이벤트를 여러 요청으로 동시에 보내거나, 중간에 순서를 지키지 않는 큐가 있습니다.',
    '한 차량의 이벤트는 오래된 것부터 요청을 하나씩 차례로 보내십시오.',
  ],
  duplicates: [
    '같은 이벤트를 여러 번 보냅니다',
    '수락된 이벤트를 다시 보냅니다. 응답을 읽지 않거나 제한 시간이 너무 짧습니다.',
    'failures에 있는 것만, 또는 503이거나 응답이 없을 때만 다시 보내고, 응답은 10초 이상 기다리십시오.',
  ],
  'id-reuse': [
    '서로 다른 이벤트의 ID가 같습니다',
    'ID가 차량이나 운행의 것이거나, 다시 시작하는 카운터입니다. ID마다 첫 이벤트만 저장됩니다.',
    '이벤트마다 새 UUID를 만들고, 그 이벤트를 재시도할 때만 다시 쓰십시오.',
  ],
  'repeated-points': [
    '같은 위치를 새 ID로 다시 보냅니다',
    '단말이 새 위치를 보내지 않았는데도 마지막 위치를 주기마다 다시 보냅니다.',
    '위치는 한 번만 보내고, 새 위치가 있을 때까지 보내지 마십시오.',
  ],
  'stuck-positions': [
    '차량이 움직이는데 위치가 바뀌지 않습니다',
    '위치가 캐시되어 있거나, GPS 수신기가 위치를 얻지 못해 마지막 값을 반복합니다.',
    '위치는 매번 수신기에서 읽고, 얻지 못하면 보내지 마십시오.',
  ],
  'silent-vehicles': [
    '영업 중인 차량이 위치를 보내지 않습니다',
    '단말이 연결되어 있지 않거나, 일부 차량의 버전에 결함이 있거나, 작업 프로세스가 멈췄습니다.',
    '목록의 단말을 확인하십시오. 영업이 끝난 차량은 service_end 또는 comms_lost를 보내십시오.',
  ],
  stopped: [
    '피드가 멈췄습니다',
    '사업자의 송신 프로그램이 멈췄거나, 이 서비스에 연결하지 못하거나, 토큰이 만료되었습니다.',
    '송신 로그에서 거부된 요청을 확인하십시오. 401은 토큰, 413과 415는 본문 문제입니다.',
  ],
  'fare-in-units': [
    '요금이 통화의 기본 단위입니다',
    '유로나 달러를 보냈습니다. MDS는 센트처럼 가장 작은 단위를 씁니다.',
    '금액에 100을 곱하십시오. 14.50 EUR은 1450입니다.',
  ],
  'fare-too-high': [
    '요금이 100배 높습니다',
    '이미 센트인 금액에 다시 100을 곱했습니다.',
    '통화의 가장 작은 단위로 보내십시오. 14.50 EUR은 1450입니다.',
  ],
  'decimal-amount': [
    '금액에 소수점이 있습니다',
    '유로나 달러를 보냈습니다. MDS는 센트처럼 가장 작은 단위를 씁니다.',
    '100을 곱해 정수로 보내십시오. 14.50 EUR은 1450입니다.',
  ],
  'other-provider': [
    '토큰과 다른 사업자의 이벤트입니다',
    '다른 사업자의 토큰을 쓰거나, provider_id에 다른 시스템의 ID가 있습니다.',
    '모든 이벤트에 토큰의 provider_id를 쓰십시오.',
  ],
  'not-a-list': [
    '요청이 항목의 목록이 아닙니다',
    '객체 하나를 보내거나, 목록이 data 같은 필드 안에 있습니다.',
    '항목이 하나여도 JSON 배열로 보내십시오.',
  ],
  'too-many-items': [
    '요청에 항목이 너무 많습니다',
    '예를 들어 장애 뒤에 이벤트를 한도 없이 모읍니다.',
    '요청당 최대 1,000건을 보내십시오.',
  ],
  'invalid-items': [
    '항목이 거부됩니다',
    '필드가 없거나 MDS가 허용하지 않는 값입니다.',
    '응답의 failures에 있는 error_description을 읽거나, 본문 하나를 POST /validate로 보내 보십시오.',
  ],
};

const evidence: ServiceTexts['evidence'] = {
  'swapped-coordinates':
    '위도와 경도를 바꾸면 위치의 {share}가 영업 구역 안에 있습니다 ({total}건 중 {part}건)',
  'wrong-sign': '부호를 바꾸면 위치의 {share}가 영업 구역 안에 있습니다 ({total}건 중 {part}건)',
  'zero-position': '위치의 {share}가 0, 0입니다 ({total}건 중 {part}건)',
  'speed-in-kmh': '속도의 {share}가 위치로 계산한 속도의 3~5배입니다 ({total}건 중 {part}건)',
  'speed-in-mph': '속도의 {share}가 위치로 계산한 속도의 약 2배입니다 ({total}건 중 {part}건)',
  'stuck-while-moving': '속도가 있는 위치의 {share}가 직전 위치와 같습니다 ({total}건 중 {part}건)',
  'stuck-on-trip': '운행 중인 차량 위치의 {share}가 90초 동안 같은 곳입니다 ({total}건 중 {part}건)',
  'id-reuse': '이벤트의 {share}가 다른 이벤트의 ID를 씁니다 ({total}건 중 {part}건)',
  'fares-too-low': '요금 {total}건 중 {part}건이 1km당 0.20 미만입니다',
  'fares-too-high': '요금 {total}건 중 {part}건이 1km당 60을 넘습니다',
  'late-by-hours': '이벤트의 {share}가 약 {hours}시간 늦습니다 ({total}건 중 {part}건)',
  'received-before': '이벤트의 {share}가 발생 시각보다 3초 넘게 먼저 수신되었습니다 ({total}건 중 {part}건)',
  'older-than': '이벤트의 절반은 {halfMs}보다 오래되었습니다',
  'late-by': '이벤트 열 건 중 아홉 건은 {mostMs}, 절반은 {halfMs} 넘게 늦습니다',
  'received-after': '이벤트의 절반은 {halfMs} 뒤에, 100건 중 1건은 {fewMs} 뒤에 수신되었습니다',
  'out-of-order': '이벤트의 {share}가 같은 차량의 직전 이벤트보다 오래되었습니다 ({total}건 중 {part}건)',
  'repeated-points': '위치의 {share}가 직전 위치와 시각은 같고 ID는 다릅니다 ({total}건 중 {part}건)',
  duplicates: '이벤트의 {share}가 이미 수신된 것입니다 ({total}건 중 {part}건)',
  'refused-requests': '요청 {part}건이 거부되었습니다',
  'rejected-items': '항목의 {share}가 거부되었습니다 ({total}건 중 {part}건)',
  'rejected-for': '항목의 {share}가 거부되었습니다: {reasons} ({total}건 중 {part}건)',
  silent: '{silentMs} 동안 이벤트가 없습니다',
  'silent-after': '{silentMs} 동안 이벤트가 없습니다. 그 전에는 초당 {rate}건이었습니다',
  'silent-vehicles': '운행 중인 차량 {total}대 중 {part}대가 평소보다 훨씬 오래 위치를 보내지 않았습니다',
};

const alerts: ServiceTexts['alerts'] = {
  'vehicle-silent': '차량 {vehicle}: {limitMs} 동안 아무것도 보내지 않았습니다',
  'vehicle-silent-in-state': '차량 {vehicle} ({state}): {limitMs} 동안 아무것도 보내지 않았습니다',
  'zone-entered': '차량 {vehicle}: {zone} 구역에 들어왔습니다',
  'zone-left': '차량 {vehicle}: {zone} 구역에서 나갔습니다',
  'zone-dwell': '차량 {vehicle}: {zone} 구역에 {limitMs} 동안 있었습니다',
  'riders-waiting': '승객 {riders}명이 기다렸습니다',
  'riders-waiting-in-zone': '{zone} 구역에서 승객 {riders}명이 기다렸습니다',
  'riders-waiting-for': '승객 {riders}명이 {limitMs} 이상 기다렸습니다',
  'riders-waiting-for-in-zone': '{zone} 구역에서 승객 {riders}명이 {limitMs} 이상 기다렸습니다',
  'feed-lag': '사업자 {provider}의 최신 이벤트가 {limitMs}보다 오래되었습니다',
  speeding: '차량 {vehicle}: 속도가 {speed}를 넘습니다',
  'speeding-for': '차량 {vehicle}: 속도가 {limitMs} 동안 {speed}를 넘었습니다',
  further: '{rule}: 그 밖에 {count}건',
};

/** Texts that the service sends in English. */
export const serviceKo: ServiceTexts = { findings, evidence, alerts };
