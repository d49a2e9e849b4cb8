import { Module, type DynamicModule } from '@nestjs/common';
import { AlertMetrics } from '../metrics/alert-metrics.service.js';
import { AlertTopic } from './alert-topic.service.js';
import { AlertsController } from './alerts.controller.js';
import { AlertsGateway } from './alerts.gateway.js';
import { AlertsService } from './alerts.service.js';
import { ALERT_RULES } from './alerts.tokens.js';
import type { AlertRule } from '../alert-rules/rule-file.js';

/** Raises alerts by rules, publishes them to `ride.alerts`, lists and acknowledges them. */
@Module({})
export class AlertsModule {
  static forRoot(rules: readonly AlertRule[]): DynamicModule {
    return {
      module: AlertsModule,
      controllers: [AlertsController],
      providers: [
        { provide: ALERT_RULES, useValue: rules },
        AlertMetrics,
        AlertTopic,
        AlertsService,
        AlertsGateway,
      ],
    };
  }
}
