from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MeasurementType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEASUREMENT_TYPE_NO_SENSOR: _ClassVar[MeasurementType]
    MEASUREMENT_TYPE_TEMPERATURE: _ClassVar[MeasurementType]
    MEASUREMENT_TYPE_HUMIDITY: _ClassVar[MeasurementType]
    MEASUREMENT_TYPE_ATMOSPHERIC_PRESSURE: _ClassVar[MeasurementType]
    MEASUREMENT_TYPE_DIFFERENTIAL_PRESSURE: _ClassVar[MeasurementType]
    MEASUREMENT_TYPE_OK_ALARM: _ClassVar[MeasurementType]
    MEASUREMENT_TYPE_HUMIDITY_ACCURATE: _ClassVar[MeasurementType]
MEASUREMENT_TYPE_NO_SENSOR: MeasurementType
MEASUREMENT_TYPE_TEMPERATURE: MeasurementType
MEASUREMENT_TYPE_HUMIDITY: MeasurementType
MEASUREMENT_TYPE_ATMOSPHERIC_PRESSURE: MeasurementType
MEASUREMENT_TYPE_DIFFERENTIAL_PRESSURE: MeasurementType
MEASUREMENT_TYPE_OK_ALARM: MeasurementType
MEASUREMENT_TYPE_HUMIDITY_ACCURATE: MeasurementType

class ProtoChannel(_message.Message):
    __slots__ = ("type", "timestamp", "start_point", "sample_offsets")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    START_POINT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_OFFSETS_FIELD_NUMBER: _ClassVar[int]
    type: MeasurementType
    timestamp: int
    start_point: int
    sample_offsets: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, type: _Optional[_Union[MeasurementType, str]] = ..., timestamp: _Optional[int] = ..., start_point: _Optional[int] = ..., sample_offsets: _Optional[_Iterable[int]] = ...) -> None: ...

class ProtoMeasurements(_message.Message):
    __slots__ = ("serial_number", "battery_status", "measurement_period_base", "channels", "next_transmission_at", "transfer_reason", "signal", "measurement_period_factor", "configuration_hash", "cloud_token", "extended_configuration_hash", "battery_level")
    SERIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    BATTERY_STATUS_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENT_PERIOD_BASE_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    NEXT_TRANSMISSION_AT_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_REASON_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENT_PERIOD_FACTOR_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_HASH_FIELD_NUMBER: _ClassVar[int]
    CLOUD_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXTENDED_CONFIGURATION_HASH_FIELD_NUMBER: _ClassVar[int]
    BATTERY_LEVEL_FIELD_NUMBER: _ClassVar[int]
    serial_number: bytes
    battery_status: bool
    measurement_period_base: int
    channels: _containers.RepeatedCompositeFieldContainer[ProtoChannel]
    next_transmission_at: int
    transfer_reason: int
    signal: int
    measurement_period_factor: int
    configuration_hash: int
    cloud_token: str
    extended_configuration_hash: int
    battery_level: int
    def __init__(self, serial_number: _Optional[bytes] = ..., battery_status: _Optional[bool] = ..., measurement_period_base: _Optional[int] = ..., channels: _Optional[_Iterable[_Union[ProtoChannel, _Mapping]]] = ..., next_transmission_at: _Optional[int] = ..., transfer_reason: _Optional[int] = ..., signal: _Optional[int] = ..., measurement_period_factor: _Optional[int] = ..., configuration_hash: _Optional[int] = ..., cloud_token: _Optional[str] = ..., extended_configuration_hash: _Optional[int] = ..., battery_level: _Optional[int] = ...) -> None: ...

class ProtoConfig(_message.Message):
    __slots__ = ("measurement_period_base", "transmission_interval", "ack_interval", "device_info_request", "update_software_request", "current_time", "transfer_limit", "transfer_limit_timer", "data_server_ip", "data_server_port", "disable_modem_request", "configuration_request", "configuration_errors", "configuration_hash", "accept_without_testing_request", "cloud_token_config", "cloud_token", "serial_number", "measurement_period_factor", "channel_types", "supervision_period", "reset_memory_request", "data_endpoint", "configuration_endpoint", "device_info_endpoint", "time_endpoint", "clear_runtime_errors_request", "configuration_error_timestamp", "configuration_hash_timestamp", "cloud_token_coap_option", "payload_signature_coap_option", "payload_split_info", "extended_configuration_endpoint", "nvm_status", "extended_configuration_request", "data_transfer_start_timestamp_request")
    MEASUREMENT_PERIOD_BASE_FIELD_NUMBER: _ClassVar[int]
    TRANSMISSION_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    ACK_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    DEVICE_INFO_REQUEST_FIELD_NUMBER: _ClassVar[int]
    UPDATE_SOFTWARE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    CURRENT_TIME_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_LIMIT_TIMER_FIELD_NUMBER: _ClassVar[int]
    DATA_SERVER_IP_FIELD_NUMBER: _ClassVar[int]
    DATA_SERVER_PORT_FIELD_NUMBER: _ClassVar[int]
    DISABLE_MODEM_REQUEST_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_REQUEST_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_ERRORS_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_HASH_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_WITHOUT_TESTING_REQUEST_FIELD_NUMBER: _ClassVar[int]
    CLOUD_TOKEN_CONFIG_FIELD_NUMBER: _ClassVar[int]
    CLOUD_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SERIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENT_PERIOD_FACTOR_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_TYPES_FIELD_NUMBER: _ClassVar[int]
    SUPERVISION_PERIOD_FIELD_NUMBER: _ClassVar[int]
    RESET_MEMORY_REQUEST_FIELD_NUMBER: _ClassVar[int]
    DATA_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    DEVICE_INFO_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    TIME_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    CLEAR_RUNTIME_ERRORS_REQUEST_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_ERROR_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_HASH_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    CLOUD_TOKEN_COAP_OPTION_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_SIGNATURE_COAP_OPTION_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_SPLIT_INFO_FIELD_NUMBER: _ClassVar[int]
    EXTENDED_CONFIGURATION_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    NVM_STATUS_FIELD_NUMBER: _ClassVar[int]
    EXTENDED_CONFIGURATION_REQUEST_FIELD_NUMBER: _ClassVar[int]
    DATA_TRANSFER_START_TIMESTAMP_REQUEST_FIELD_NUMBER: _ClassVar[int]
    measurement_period_base: int
    transmission_interval: int
    ack_interval: int
    device_info_request: bool
    update_software_request: bool
    current_time: int
    transfer_limit: int
    transfer_limit_timer: int
    data_server_ip: str
    data_server_port: int
    disable_modem_request: int
    configuration_request: bool
    configuration_errors: _containers.RepeatedScalarFieldContainer[int]
    configuration_hash: int
    accept_without_testing_request: bool
    cloud_token_config: int
    cloud_token: str
    serial_number: bytes
    measurement_period_factor: int
    channel_types: _containers.RepeatedScalarFieldContainer[MeasurementType]
    supervision_period: int
    reset_memory_request: bool
    data_endpoint: str
    configuration_endpoint: str
    device_info_endpoint: str
    time_endpoint: str
    clear_runtime_errors_request: bool
    configuration_error_timestamp: int
    configuration_hash_timestamp: int
    cloud_token_coap_option: int
    payload_signature_coap_option: int
    payload_split_info: int
    extended_configuration_endpoint: str
    nvm_status: int
    extended_configuration_request: bool
    data_transfer_start_timestamp_request: int
    def __init__(self, measurement_period_base: _Optional[int] = ..., transmission_interval: _Optional[int] = ..., ack_interval: _Optional[int] = ..., device_info_request: _Optional[bool] = ..., update_software_request: _Optional[bool] = ..., current_time: _Optional[int] = ..., transfer_limit: _Optional[int] = ..., transfer_limit_timer: _Optional[int] = ..., data_server_ip: _Optional[str] = ..., data_server_port: _Optional[int] = ..., disable_modem_request: _Optional[int] = ..., configuration_request: _Optional[bool] = ..., configuration_errors: _Optional[_Iterable[int]] = ..., configuration_hash: _Optional[int] = ..., accept_without_testing_request: _Optional[bool] = ..., cloud_token_config: _Optional[int] = ..., cloud_token: _Optional[str] = ..., serial_number: _Optional[bytes] = ..., measurement_period_factor: _Optional[int] = ..., channel_types: _Optional[_Iterable[_Union[MeasurementType, str]]] = ..., supervision_period: _Optional[int] = ..., reset_memory_request: _Optional[bool] = ..., data_endpoint: _Optional[str] = ..., configuration_endpoint: _Optional[str] = ..., device_info_endpoint: _Optional[str] = ..., time_endpoint: _Optional[str] = ..., clear_runtime_errors_request: _Optional[bool] = ..., configuration_error_timestamp: _Optional[int] = ..., configuration_hash_timestamp: _Optional[int] = ..., cloud_token_coap_option: _Optional[int] = ..., payload_signature_coap_option: _Optional[int] = ..., payload_split_info: _Optional[int] = ..., extended_configuration_endpoint: _Optional[str] = ..., nvm_status: _Optional[int] = ..., extended_configuration_request: _Optional[bool] = ..., data_transfer_start_timestamp_request: _Optional[int] = ...) -> None: ...

class ProtoRuntime(_message.Message):
    __slots__ = ("up_time", "message_counters", "mcu_temperature", "battery_voltage", "min_battery_mcu_temperature", "battery_reset_timestamp", "max_mcu_temperature", "min_mcu_temperature", "runtime_errors", "reset_counter")
    UP_TIME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_COUNTERS_FIELD_NUMBER: _ClassVar[int]
    MCU_TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    BATTERY_VOLTAGE_FIELD_NUMBER: _ClassVar[int]
    MIN_BATTERY_MCU_TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    BATTERY_RESET_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    MAX_MCU_TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    MIN_MCU_TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_ERRORS_FIELD_NUMBER: _ClassVar[int]
    RESET_COUNTER_FIELD_NUMBER: _ClassVar[int]
    up_time: int
    message_counters: _containers.RepeatedScalarFieldContainer[int]
    mcu_temperature: int
    battery_voltage: int
    min_battery_mcu_temperature: int
    battery_reset_timestamp: int
    max_mcu_temperature: int
    min_mcu_temperature: int
    runtime_errors: _containers.RepeatedScalarFieldContainer[int]
    reset_counter: int
    def __init__(self, up_time: _Optional[int] = ..., message_counters: _Optional[_Iterable[int]] = ..., mcu_temperature: _Optional[int] = ..., battery_voltage: _Optional[int] = ..., min_battery_mcu_temperature: _Optional[int] = ..., battery_reset_timestamp: _Optional[int] = ..., max_mcu_temperature: _Optional[int] = ..., min_mcu_temperature: _Optional[int] = ..., runtime_errors: _Optional[_Iterable[int]] = ..., reset_counter: _Optional[int] = ...) -> None: ...

class ProtoModem(_message.Message):
    __slots__ = ("type", "parameters", "sim_card_identification", "firmware_version", "modem_identification", "modem_statistics")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    SIM_CARD_IDENTIFICATION_FIELD_NUMBER: _ClassVar[int]
    FIRMWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODEM_IDENTIFICATION_FIELD_NUMBER: _ClassVar[int]
    MODEM_STATISTICS_FIELD_NUMBER: _ClassVar[int]
    type: int
    parameters: _containers.RepeatedScalarFieldContainer[int]
    sim_card_identification: str
    firmware_version: int
    modem_identification: str
    modem_statistics: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, type: _Optional[int] = ..., parameters: _Optional[_Iterable[int]] = ..., sim_card_identification: _Optional[str] = ..., firmware_version: _Optional[int] = ..., modem_identification: _Optional[str] = ..., modem_statistics: _Optional[_Iterable[int]] = ...) -> None: ...

class ProtoUpdateInfo(_message.Message):
    __slots__ = ("timestamp", "status")
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    timestamp: int
    status: int
    def __init__(self, timestamp: _Optional[int] = ..., status: _Optional[int] = ...) -> None: ...

class ProtoDeviceInfo(_message.Message):
    __slots__ = ("serial_number", "sw_version", "runtime_info", "modem", "commit_id", "cloud_token", "memory_statistics", "last_update_info", "enclosure_tamper_alert")
    SERIAL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SW_VERSION_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_INFO_FIELD_NUMBER: _ClassVar[int]
    MODEM_FIELD_NUMBER: _ClassVar[int]
    COMMIT_ID_FIELD_NUMBER: _ClassVar[int]
    CLOUD_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MEMORY_STATISTICS_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATE_INFO_FIELD_NUMBER: _ClassVar[int]
    ENCLOSURE_TAMPER_ALERT_FIELD_NUMBER: _ClassVar[int]
    serial_number: bytes
    sw_version: int
    runtime_info: ProtoRuntime
    modem: ProtoModem
    commit_id: str
    cloud_token: str
    memory_statistics: _containers.RepeatedScalarFieldContainer[int]
    last_update_info: ProtoUpdateInfo
    enclosure_tamper_alert: int
    def __init__(self, serial_number: _Optional[bytes] = ..., sw_version: _Optional[int] = ..., runtime_info: _Optional[_Union[ProtoRuntime, _Mapping]] = ..., modem: _Optional[_Union[ProtoModem, _Mapping]] = ..., commit_id: _Optional[str] = ..., cloud_token: _Optional[str] = ..., memory_statistics: _Optional[_Iterable[int]] = ..., last_update_info: _Optional[_Union[ProtoUpdateInfo, _Mapping]] = ..., enclosure_tamper_alert: _Optional[int] = ...) -> None: ...
